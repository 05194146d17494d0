#pragma once
// Which back end reads files here, and what it did so far.

#include <weir/backend.hpp>
#include <weir/export.hpp>
#include <weir/statistics.hpp>

#include <boost/asio/any_io_executor.hpp>

namespace weir {

/// What `wanted` comes to on this executor: never `backend::auto_`. Makes the back end ready.
/// \throws weir::error  `errc::backend_unavailable`: asked for by name and not usable here; the message says why.
WEIR_API backend resolve_backend(const boost::asio::any_io_executor& executor, backend wanted);

/// What was read through this executor's io_context so far, and why by threads if not by io_uring.
[[nodiscard]] WEIR_API reader_statistics file_statistics(const boost::asio::any_io_executor& executor);

} // namespace weir
