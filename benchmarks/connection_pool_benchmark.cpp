// What it costs to take a connection out of a warm pool and to give it back, beside the plainest pools that there are:
// a deque under a mutex, and for coroutines a channel of Asio. Neither has keys, limits, a clock, or checks.
//
//   connection_pool-benchmark        prints a table; takes some seconds

#include "measure.hpp"
#include "report.hpp"

#include <weir/connection_pool.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <cstdio>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;

constexpr std::size_t rounds = 15;
constexpr std::size_t pairs = 100'000;
const std::string key = "https://objects.example.org:443"; // as a client of a service would have

struct connection {
    std::uint64_t sent = 0;
};

struct manager {
    using key_type = std::string;
    using connection_type = connection;
    asio::awaitable<connection> create(const std::string&) { co_return connection(); }
};
using pool_type = weir::connection_pool<manager>;

/// A peer for coroutines: it has waiters in line, and nothing else.
using channel_type = asio::experimental::channel<void(boost::system::error_code, connection)>;

/// A peer for plain calls: it lends what it has, and has as much as it is given.
class plain_pool {
public:
    std::optional<connection> take()
    {
        const std::lock_guard lock(mutex_);
        if (idle_.empty())
            return std::nullopt;
        std::optional<connection> out = idle_.back();
        idle_.pop_back();
        return out;
    }
    void give(connection which)
    {
        const std::lock_guard lock(mutex_);
        idle_.push_back(which);
    }

private:
    std::mutex mutex_;
    std::deque<connection> idle_;
};

/// A pool with `count` idle connections.
class warm {
public:
    explicit warm(std::size_t count) : pool(io.get_executor(), manager(), {.max_per_key = count})
    {
        pool.keep_warm(key, count);
        io.poll();
        pool.keep_warm(key, 0);
    }
    asio::io_context io;
    pool_type pool;
};

asio::awaitable<void> use(pool_type& pool, std::size_t times)
{
    for (std::size_t i = 0; i < times; ++i) {
        const weir::pooled<connection> mine = co_await pool.async_acquire(key, asio::use_awaitable);
        ++mine->sent;
    }
}

asio::awaitable<void> use(channel_type& pool, std::size_t times)
{
    for (std::size_t i = 0; i < times; ++i) {
        connection mine = co_await pool.async_receive(asio::use_awaitable);
        ++mine.sent;
        pool.try_send(boost::system::error_code(), mine);
    }
}

/// Runs `count` coroutines to their end.
template <class Make> void run(asio::io_context& io, std::size_t count, const Make& make)
{
    std::size_t left = count;
    for (std::size_t i = 0; i < count; ++i)
        asio::co_spawn(io, make(), [&](std::exception_ptr failure) {
            if (failure)
                std::rethrow_exception(failure);
            --left;
        });
    io.restart();
    while (left > 0)
        io.run_one();
}

void report(const std::string& what, const std::vector<bench::candidate>& both, double gate)
{
    const auto best = [](const std::vector<double>& seconds) {
        return bench::best(seconds) * 1e9 / static_cast<double>(pairs);
    };
    const double mine = best(both[0].cpu_seconds);
    const double theirs = best(both[1].cpu_seconds);
    std::printf("%-44s %9.1f %9.1f %7.2f   %s\n", what.c_str(), mine, theirs, mine / theirs, both[1].name.c_str());
    std::fflush(stdout);
    bench::publish({.name = what, .ours = mine, .peer = both[1].name, .theirs = theirs, .unit = "ns", .at_most = true});
    if (gate > 0)
        bench::publish({.name = what, .ours = mine, .peer = {}, .unit = "ns", .gate = gate, .at_most = true});
}

void compare_direct(std::size_t threads)
{
    warm ours(threads);
    plain_pool theirs;
    for (std::size_t i = 0; i < threads; ++i)
        theirs.give({});
    const auto each_of = [threads](const auto& pair) {
        bench::on_threads(threads, [&] {
            for (std::size_t i = 0; i < pairs / threads; ++i)
                pair();
        });
    };
    std::vector<bench::candidate> both{{"pool", [&] { each_of([&] { ++ours.pool.try_acquire(key)->sent; }); }},
                                       {"mutex and deque", [&] {
                                            each_of([&] {
                                                std::optional<connection> mine = theirs.take();
                                                ++mine->sent;
                                                theirs.give(*mine);
                                            });
                                        }}};
    bench::interleave(both, rounds);
    report("try_acquire and release, " + std::to_string(threads) + " threads", both, threads == 1 ? 1000 : 0);
}

void compare_awaited(std::size_t users, std::size_t connections)
{
    warm ours(connections);
    asio::io_context io;
    asio::steady_timer timer(io, std::chrono::hours(1)); // the loop of a service has some, so it looks for events
    timer.async_wait([](boost::system::error_code) {});
    channel_type theirs(io, connections);
    for (std::size_t i = 0; i < connections; ++i)
        theirs.try_send(boost::system::error_code(), connection());
    std::vector<bench::candidate> both{
        {"pool", [&] { run(ours.io, users, [&] { return use(ours.pool, pairs / users); }); }},
        {"channel", [&] { run(io, users, [&] { return use(theirs, pairs / users); }); }}};
    bench::interleave(both, rounds);
    report("async_acquire and release, " + std::to_string(users) + " users of " + std::to_string(connections), both,
           users <= connections ? 1000 : 0);
}

} // namespace

int main()
{
    std::printf("%s\nns of CPU for taking and giving back, best of %zu interleaved rounds\n\n",
                bench::cpu_name().c_str(), rounds);
    std::printf("%-44s %9s %9s %7s\n", "", "pool", "peer", "ratio");
    for (const std::size_t threads : {1, 2, 4})
        compare_direct(threads);
    compare_awaited(1, 1);
    compare_awaited(8, 8);
    compare_awaited(8, 2);
}
