#pragma once
// From a source to a sink in one call.

#include <weir/chunk_stream.hpp>
#include <weir/sink.hpp>

namespace weir {

/// Pulls all of a source through to a sink: one flow, as one awaitable.
///
/// \returns  what it did; unique chunks are not counted here
/// \throws weir::error  of the source or the sink; both are closed or rolled back by then.
/// \par Cancellation
/// terminal, partial, total: stops, waits until blocks and descriptors are back, then completes as cancelled.
[[nodiscard]] WEIR_API boost::asio::awaitable<flow_statistics>
run_flow(engine& owner, std::unique_ptr<source> input, sink& output, stream_options options = {});

} // namespace weir
