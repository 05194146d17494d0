#pragma once
// What timers and sockets wait with.

#include <weir/export.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

namespace weir::detail {

/// Opens what the event loop of a context waits with (epoll and an eventfd), if nobody has yet. The first timer or socket does
/// so too, but throws what says "epoll" at best.
/// \throws weir::error  mostly `EMFILE`
WEIR_API void open_event_loop(boost::asio::execution_context& of);

/// The same. \returns  its argument, for lists of initialisers
WEIR_API const boost::asio::any_io_executor& with_event_loop(const boost::asio::any_io_executor& of);

} // namespace weir::detail
