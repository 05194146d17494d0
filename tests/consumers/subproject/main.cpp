// Uses weir as a subproject: the includes read as for an installed one. A coroutine of this program, with its own
// header-only Asio, runs on the library's worker threads. Exits 0 if all is right.

#include <weir/size.hpp>
#include <weir/worker_pool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <cstdint>

namespace {

boost::asio::awaitable<std::uint64_t> twice(std::uint64_t bytes)
{
    co_await boost::asio::post(boost::asio::use_awaitable);
    co_return 2 * bytes;
}

} // namespace

int main()
{
    using namespace weir::literals;
    weir::worker_pool workers({.threads = 2});
    auto result = boost::asio::co_spawn(workers.executor(), twice(weir::parse_size("64 KiB")), boost::asio::use_future);
    return result.get() == 128_KiB ? 0 : 1;
}
