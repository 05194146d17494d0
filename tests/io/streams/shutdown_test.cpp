// Engines and contexts that end while streams over sockets are in the middle of something.

#include <weir/chunk_stream.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>
#include <weir/stream_source.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using socket_type = asio::local::stream_protocol::socket;

constexpr std::size_t kib = 1024;

weir::engine_options small_engine()
{
    weir::engine_options out;
    out.memory_bytes = 1024 * kib;
    out.block_bytes = 64 * kib;
    out.workers.threads = 2;
    return out;
}

struct sockets {
    explicit sockets(asio::io_context& context) : mine(context), peer(context)
    {
        asio::local::connect_pair(mine, peer);
    }
    socket_type mine;
    socket_type peer;
};

weir::stream_options small_chunks() { return {.chunker = weir::fixed(4 * kib)}; }

/// Runs `context` until the condition holds: what is waited for happens on other threads.
template <class Condition> void run_until(asio::io_context& context, Condition holds)
{
    while (!holds()) {
        context.restart();
        if (context.poll() == 0)
            std::this_thread::yield();
    }
}

/// What a consumer has seen. It shares this with the test, which asks when the consumer may be gone.
struct record {
    std::vector<weir::chunk> kept;
    bool ended = false;
    std::exception_ptr failure;
};

/// A consumer as services have them: the stream lies in its frame.
asio::awaitable<void> keep_all(weir::engine& engine, std::unique_ptr<weir::source> input, std::shared_ptr<record> seen)
{
    weir::chunk_stream chunks(engine, std::move(input), small_chunks());
    for (;;) {
        std::optional<weir::chunk> next = co_await chunks.next();
        if (!next)
            break;
        seen->kept.push_back(std::move(*next));
    }
}

std::shared_ptr<record> start_consumer(asio::io_context& context, weir::engine& engine,
                                       std::unique_ptr<weir::source> input)
{
    auto seen = std::make_shared<record>();
    asio::co_spawn(context, keep_all(engine, std::move(input), seen), [seen](std::exception_ptr thrown) {
        seen->failure = std::move(thrown);
        seen->ended = true;
    });
    return seen;
}

std::unique_ptr<weir::source> source_over(socket_type& socket)
{
    return std::make_unique<weir::stream_source<socket_type>>(std::move(socket));
}

/// Writes until the socket's buffers are full, and then as the reader makes room.
void flood(socket_type& peer, const std::string& text)
{
    asio::async_write(peer, asio::buffer(text), [](boost::system::error_code, std::size_t) {});
}

void check_closed(asio::io_context& context, const record& seen)
{
    run_until(context, [&] { return seen.ended; });
    CHECK(weir::code_of(seen.failure) == weir::errc::closed);
}

TEST_CASE("shutdown: an engine ends while a stream waits for its socket")
{
    std::shared_ptr<record> seen;
    {
        asio::io_context context;
        sockets pair(context);
        {
            weir::engine engine(context.get_executor(), small_engine());
            seen = start_consumer(context, engine, source_over(pair.mine));
            asio::write(pair.peer, asio::buffer(std::string(10 * kib, 'x')));
            run_until(context, [&] { return seen->kept.size() == 2; }); // the third has not ended
        }
        SUBCASE("and the context runs on") { check_closed(context, *seen); }
        SUBCASE("and the context ends too") {}
    }
    CHECK(seen->kept.back().content.copy_out().size() == 4 * kib); // chunks outlive all of it
}

TEST_CASE("shutdown: an engine ends while a stream waits for memory that its consumer keeps")
{
    const std::string text(4096 * kib, 'x');
    std::shared_ptr<record> seen;
    {
        asio::io_context context;
        sockets pair(context);
        flood(pair.peer, text);
        {
            weir::engine engine(context.get_executor(), small_engine());
            const weir::buffer_pool& pool = engine.pool();
            seen = start_consumer(context, engine, source_over(pair.mine));
            run_until(context, [&] { return pool.statistics().in_use_bytes == pool.options().max_bytes; });
        }
        SUBCASE("and the context runs on") { check_closed(context, *seen); }
        SUBCASE("and the context ends too") {}
        SUBCASE("and the memory comes back first") { seen->kept.clear(); }
    }
    seen->kept.clear();
}

TEST_CASE("shutdown: an engine ends while a second stream waits for its reservation, and the pool goes on")
{
    const std::string text(4096 * kib, 'x');
    auto pool = weir::make_engine_pool(small_engine());
    auto workers = std::make_shared<weir::worker_pool>(small_engine().workers);
    asio::io_context context;
    sockets first_pair(context);
    sockets second_pair(context);
    flood(first_pair.peer, text);
    std::shared_ptr<record> first;
    std::shared_ptr<record> second;
    {
        weir::engine engine(context.get_executor(), pool, std::exchange(workers, nullptr), small_engine());
        first = start_consumer(context, engine, source_over(first_pair.mine));
        run_until(context, [&] { return pool->statistics().in_use_bytes == pool->options().max_bytes; });
        second = start_consumer(context, engine, source_over(second_pair.mine));
        run_until(context, [&] { return pool->statistics().waits > 0; });
    }
    check_closed(context, *first);
    check_closed(context, *second);
    first->kept.clear();
    CHECK(pool->check());
    CHECK(pool->statistics().in_use_bytes == 0);
    CHECK(pool->try_reserve(16, 64 * kib)); // nobody waits in front any more
}

TEST_CASE("shutdown: a context ends before the engine and the stream that lie in one of its coroutines")
{
    const std::string text(4096 * kib, 'x');
    auto seen = std::make_shared<record>();
    {
        asio::io_context context;
        sockets pair(context);
        auto serve = [](asio::io_context& on, socket_type& socket, std::shared_ptr<record> to) -> asio::awaitable<void> {
            weir::engine engine(on.get_executor(), small_engine());
            co_await keep_all(engine, source_over(socket), to);
        };
        asio::co_spawn(context, serve(context, pair.mine, seen), [](const std::exception_ptr&) {});
        SUBCASE("while the stream waits for its socket")
        {
            asio::write(pair.peer, asio::buffer(std::string(10 * kib, 'x')));
            run_until(context, [&] { return seen->kept.size() == 2; });
        }
        SUBCASE("while data flows")
        {
            flood(pair.peer, text);
            run_until(context, [&] { return seen->kept.size() >= 16; });
        }
    }
    seen->kept.clear();
}

} // namespace
