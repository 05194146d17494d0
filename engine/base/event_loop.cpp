#include "base/event_loop.hpp"

#include <weir/error.hpp>

#include <boost/asio/detail/reactor.hpp>
#include <boost/system/system_error.hpp>

namespace weir::detail {

namespace asio = boost::asio;

void open_event_loop(asio::execution_context& of)
{
    try {
        asio::use_service<asio::detail::reactor>(of);
    }
    catch (const boost::system::system_error& failure) {
        throw error(failure.code(), "open", "an event loop");
    }
}

const asio::any_io_executor& with_event_loop(const asio::any_io_executor& of)
{
    open_event_loop(asio::query(of, asio::execution::context));
    return of;
}

} // namespace weir::detail
