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

bool have_ended(const weir::engine& of)
{
    auto& context = asio::query(of.workers().executor(), asio::execution::context);
    return static_cast<asio::io_context&>(context).stopped();
}

/// Both ends of a stream, which nobody writes to; the first waits. All of it lies in its handler, so that the context's
/// reactor destroys it: it tells whether the workers had ended by then.
class silent_pair {
public:
    silent_pair(asio::io_context& context, const std::optional<weir::engine>& of, std::optional<bool>& ended)
        : mine_(context), peer_(context), of_(of), ended_(ended)
    {
        asio::local::connect_pair(mine_, peer_);
    }
    silent_pair(const silent_pair&) = delete;
    silent_pair& operator=(const silent_pair&) = delete;
    ~silent_pair() { ended_ = have_ended(*of_); }

    static void wait(std::unique_ptr<silent_pair> self)
    {
        socket_type& on = self->mine_;
        on.async_wait(socket_type::wait_read, [held = std::move(self)](boost::system::error_code) {});
    }

private:
    socket_type mine_;
    socket_type peer_;
    const std::optional<weir::engine>& of_;
    std::optional<bool>& ended_;
};

TEST_CASE("context end: an engine's own workers end before the sockets of its context")
{
    std::optional<bool> ended;
    std::optional<weir::engine> engine;
    {
        asio::io_context context;
        std::unique_ptr<silent_pair> sockets;
        SUBCASE("that are older than it")
        {
            sockets = std::make_unique<silent_pair>(context, engine, ended);
            engine.emplace(context.get_executor(), two_workers());
        }
        SUBCASE("that are younger")
        {
            engine.emplace(context.get_executor(), two_workers());
            sockets = std::make_unique<silent_pair>(context, engine, ended);
        }
        CHECK(!have_ended(*engine));
        silent_pair::wait(std::move(sockets));
    }
    CHECK(ended == true);
    CHECK(engine->workers().size() == 2); // as ever
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
    CHECK(!have_ended(*engine));
    engine.reset();
    CHECK(asio::post(workers->executor(), asio::use_future([] { return true; })).get());
}

TEST_CASE("context end: an engine may go first, from a context that is no io_context too")
{
    asio::thread_pool context(1);
    {
        weir::engine engine(context.get_executor(), two_workers());
        CHECK(!have_ended(engine));
    }
    context.join();
}

} // namespace
