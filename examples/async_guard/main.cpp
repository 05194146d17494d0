// A guard alone: an upload that is aborted when its scope ends early, though that takes a round trip.
//
//   $ async_guard
//   upload 1: committed
//   upload 2: aborted

#include <weir/async_guard.hpp>

#include <boost/asio.hpp>
#include <fmt/core.h>

namespace asio = boost::asio;

asio::awaitable<void> abort_upload(int& id)
{
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable); // the round trip
    fmt::print("upload {}: aborted\n", id);
}

void leave_behind(int& id) noexcept { fmt::print("upload {}: left to the server's sweeper\n", id); }

asio::awaitable<void> upload(int id, bool complete)
{
    weir::async_guard started(co_await asio::this_coro::executor, id, abort_upload, leave_behind);
    if (!complete)
        co_return; // the release is posted here, and runs when the loop has time
    fmt::print("upload {}: committed\n", started.dismiss());
}

int main()
{
    asio::io_context context;
    for (const int id : {1, 2})
        asio::co_spawn(context, upload(id, id == 1), [](std::exception_ptr failure) {
            if (failure)
                std::rethrow_exception(failure); // out of run()
        });
    context.run();
}
