#include "base/event_loop.hpp"

#include "support/few_descriptors.hpp"

#include <weir/error.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <system_error>

namespace {

TEST_CASE("event loop: what cannot be opened is said with the limit, and can be opened later")
{
    boost::asio::io_context context;
    for (const rlim_t most : {0, 1, 2, 3}) {
        const test::few_descriptors none(most);
        try {
            (void)weir::detail::with_event_loop(context.get_executor());
            FAIL("opened");
        }
        catch (const weir::error& failure) {
            CHECK(failure.code() == std::errc::too_many_files_open);
            CHECK(failure.what() == "open an event loop: too many open files, and ulimit -n is " + std::to_string(most));
        }
    }
    boost::asio::steady_timer timer(weir::detail::with_event_loop(context.get_executor()), std::chrono::milliseconds(0));
    bool rang = false;
    timer.async_wait([&](boost::system::error_code failed) { rang = !failed; });
    context.run();
    CHECK(rang);
}

} // namespace
