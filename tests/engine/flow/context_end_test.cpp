// Engines whose execution context ends before them.

#include <weir/engine.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <utility>

namespace {

namespace asio = boost::asio;
using socket_type = asio::local::stream_protocol::socket;

weir::engine_options two_workers()
{
    weir::engine_options out;
    out.memory_bytes = 1024 << 10;
    out.block_bytes = 64 << 10;
    out.workers.threads = 2;
    return out;
}

/// Both ends of a stream, which nobody writes to; the first waits. All of it lies in its handler, so that the context's
/// reactor destroys it: what it tells is how many threads there were then.
class silent_pair {
public:
    silent_pair(asio::io_context& context, const std::optional<weir::engine>& of, std::optional<std::size_t>& threads)
        : mine_(context), peer_(context), of_(of), threads_(threads)
    {
        asio::local::connect_pair(mine_, peer_);
    }
    silent_pair(const silent_pair&) = delete;
    silent_pair& operator=(const silent_pair&) = delete;
    ~silent_pair() { threads_ = of_->workers().size(); }

    static void wait(std::unique_ptr<silent_pair> self)
    {
        socket_type& on = self->mine_;
        on.async_wait(socket_type::wait_read, [held = std::move(self)](boost::system::error_code) {});
    }

private:
    socket_type mine_;
    socket_type peer_;
    const std::optional<weir::engine>& of_;
    std::optional<std::size_t>& threads_;
};

TEST_CASE("context end: an engine's own workers end before the sockets of its context")
{
    std::optional<std::size_t> threads;
    std::optional<weir::engine> engine;
    {
        asio::io_context context;
        std::unique_ptr<silent_pair> sockets;
        SUBCASE("that are older than it")
        {
            sockets = std::make_unique<silent_pair>(context, engine, threads);
            engine.emplace(context.get_executor(), two_workers());
        }
        SUBCASE("that are younger")
        {
            engine.emplace(context.get_executor(), two_workers());
            sockets = std::make_unique<silent_pair>(context, engine, threads);
        }
        CHECK(engine->workers().size() == 2);
        silent_pair::wait(std::move(sockets));
    }
    CHECK(threads == 0u);
}

TEST_CASE("context end: workers that somebody else has go on")
{
    const auto pool = weir::make_engine_pool(two_workers());
    const auto workers = std::make_shared<weir::worker_pool>(two_workers().workers);
    std::optional<weir::engine> engine;
    {
        asio::io_context context;
        engine.emplace(context.get_executor(), pool, workers, two_workers());
    }
    CHECK(workers->size() == 2);
    engine.reset();
    CHECK(asio::post(workers->executor(), asio::use_future([] { return true; })).get());
}

TEST_CASE("context end: an engine may go first, from a context that is no io_context too")
{
    asio::thread_pool context(1);
    {
        weir::engine engine(context.get_executor(), two_workers());
        CHECK(engine.workers().size() == 2);
    }
    context.join();
}

} // namespace
