#include <weir/stream_source.hpp>

#include "support/coroutine.hpp"

#include "content.hpp"
#include "memory.hpp"

#include <weir/error.hpp>

#include <boost/asio/connect_pipe.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>

#include <future>

namespace stream_source_test {
namespace {

namespace asio = boost::asio;
using socket_type = asio::local::stream_protocol::socket;

constexpr std::size_t block = test::memory_of::block;
using test::memory_of;

struct sockets {
    explicit sockets(const asio::any_io_executor& where) : mine(where), peer(where)
    {
        asio::local::connect_pair(mine, peer);
    }
    explicit sockets(asio::io_context& where) : sockets(asio::any_io_executor(where.get_executor())) {}
    void send(std::string_view text) { asio::write(peer, asio::buffer(text)); }

    socket_type mine;
    socket_type peer;
};

TEST_CASE("stream_source: gives what has come, then the end, for ever")
{
    asio::io_context context;
    memory_of memory(3);
    sockets pair(context);
    weir::stream_source source(std::move(pair.mine));
    pair.send("hello");
    CHECK(test::text_of(test::await(context, source.read(memory.promised, 100))) == "hello");
    pair.send("abcdef");
    pair.peer.close();
    CHECK(test::text_of(test::await(context, source.read(memory.promised, 4))) == "abcd");
    CHECK(test::text_of(test::await(context, source.read(memory.promised, 4))) == "ef");
    CHECK(test::await(context, source.read(memory.promised, 4)).empty());
    CHECK(test::await(context, source.read(memory.promised, 4)).empty());
    test::await(context, source.close());
    CHECK(memory.all_back());
}

TEST_CASE("stream_source: one-byte writes fill blocks to their end")
{
    asio::io_context context;
    memory_of memory(3);
    sockets pair(context);
    weir::stream_source source(std::move(pair.mine));
    weir::bytes kept; // pins every block that was used
    std::string sent;
    while (sent.size() != 2 * block + 100) {
        sent.push_back(static_cast<char>('a' + sent.size() % 26));
        pair.send(sent.substr(sent.size() - 1));
        kept.append(test::await(context, source.read(memory.promised, block)));
    }
    CHECK(test::text_of(kept) == sent);
    CHECK(kept.slice_count() == 3);
    test::await(context, source.close());
}

TEST_CASE("stream_source: reads some blocks ahead, and then no further")
{
    asio::io_context context;
    memory_of memory(8);
    sockets pair(context);
    weir::stream_source source(pair.mine);
    const std::string content(7 * block, 'x');
    pair.send(content);
    const std::size_t taken = test::await(context, source.read(memory.promised, 1)).size();
    CHECK(taken == 1);
    context.restart();
    context.poll();
    CHECK(pair.mine.available() >= 2 * block);
    CHECK(pair.mine.available() <= 4 * block);
    CHECK(memory.promised.free_blocks() >= 3);
    test::await(context, source.close());
}

TEST_CASE("stream_source: random writes come out as they went in, through the smallest memory")
{
    asio::io_context context;
    memory_of memory(3);
    sockets pair(context);
    auto random = test::generator();
    const std::vector<std::byte> sent = test::random_bytes(300'000);
    auto send = [](socket_type& peer, std::span<const std::byte> rest, std::mt19937_64& dice) -> asio::awaitable<void> {
        while (!rest.empty()) {
            const std::size_t count = std::min<std::size_t>(rest.size(), 1 + dice() % (dice() % 2 ? 9000 : 3));
            const asio::const_buffer part(rest.data(), count);
            co_await asio::async_write(peer, part, asio::use_awaitable);
            rest = rest.subspan(count);
        }
        peer.close();
    };
    weir::stream_source source(std::move(pair.mine));
    test::task<void> sending(context.get_executor(), send(pair.peer, sent, random));
    CHECK(test::await(context, test::read_all(source, memory.promised, 3000)) == sent);
    test::await(context, source.close());
    CHECK(memory.all_back());
}

TEST_CASE("stream_source: reads from another thread's executor while the reader runs on a strand of a pool")
{
    asio::thread_pool stream_thread(1);
    asio::thread_pool workers(2);
    memory_of memory(4);
    sockets pair(asio::any_io_executor(stream_thread.get_executor()));
    const std::vector<std::byte> sent = test::random_bytes(2'000'000);
    std::promise<std::vector<std::byte>> got;
    {
        weir::stream_source source(std::move(pair.mine));
        auto keep = [&](std::exception_ptr, std::vector<std::byte> all) { got.set_value(std::move(all)); };
        asio::co_spawn(asio::make_strand(workers), test::read_all(source, memory.promised, 3 * block), std::move(keep));
        asio::write(pair.peer, asio::buffer(sent));
        pair.peer.close();
        CHECK(got.get_future().get() == sent);
        workers.join();
    }
    stream_thread.join();
    CHECK(memory.all_back());
}

TEST_CASE("stream_source: a pipe is a stream too, and stays its owner's")
{
    asio::io_context context;
    memory_of memory(3);
    asio::readable_pipe out(context);
    asio::writable_pipe in(context);
    asio::connect_pipe(out, in);
    {
        weir::stream_source source(out, "pipe");
        CHECK(source.name() == "pipe");
        asio::write(in, asio::buffer("abc", 3));
        CHECK(test::text_of(test::await(context, source.read(memory.promised, 100))) == "abc");
        test::await(context, source.close());
        test::await(context, source.close());
        CHECK(test::await(context, weir::as_result(source.read(memory.promised, 1))).code() == weir::errc::closed);
    }
    asio::write(in, asio::buffer("def", 3));
    std::string rest(3, '\0');
    asio::read(out, asio::buffer(rest));
    CHECK(rest == "def");
    CHECK(memory.all_back());
}

TEST_CASE("stream_source: a broken connection is an error with name and offset, after what came before")
{
    asio::io_context context;
    memory_of memory(3);
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    asio::ip::tcp::socket mine(context), peer(context);
    mine.connect(acceptor.local_endpoint());
    acceptor.accept(peer);
    weir::stream_source source(std::move(mine), "peer 1");
    asio::write(peer, asio::buffer("abc", 3));
    CHECK(test::text_of(test::await(context, source.read(memory.promised, 100))) == "abc");
    peer.set_option(asio::socket_base::linger(true, 0));
    peer.close(); // a reset
    for (int i = 0; i != 2; ++i) {
        const auto outcome = test::await(context, weir::as_result(source.read(memory.promised, 100)));
        CHECK(outcome.code() == std::errc::connection_reset);
        CHECK(outcome.message() == "read peer 1 at 3: connection reset by peer");
    }
}

TEST_CASE("stream_source: a cancelled read loses nothing, whenever it was cancelled")
{
    asio::io_context context;
    memory_of memory(3);
    sockets pair(context);
    weir::stream_source source(std::move(pair.mine));

    test::task<weir::bytes> waiting(context.get_executor(), source.read(memory.promised, 100));
    test::run_ready(context);
    CHECK(!waiting.done());
    waiting.cancel();
    test::run_ready(context);
    CHECK(waiting.outcome().code() == weir::condition::cancelled);

    pair.send("abc");
    test::task<weir::bytes> never(context.get_executor(), source.read(memory.promised, 100));
    never.cancel(); // before its start
    test::run_ready(context);
    CHECK(never.outcome().code() == weir::condition::cancelled);

    CHECK(test::text_of(test::await(context, source.read(memory.promised, 100))) == "abc");
    test::await(context, source.close());
    CHECK(memory.all_back());
}

TEST_CASE("stream_source: waits for a block when its reservation has none, cancellable, and goes on when one is back")
{
    asio::io_context context;
    memory_of memory(2);
    sockets pair(context);
    weir::stream_source source(std::move(pair.mine));
    std::vector<weir::buffer> taken;
    while (auto each = memory.promised.try_take())
        taken.push_back(std::move(*each));
    pair.send("abc");
    test::task<weir::bytes> waiting(context.get_executor(), source.read(memory.promised, 100));
    test::run_ready(context);
    CHECK(!waiting.done());
    waiting.cancel();
    test::run_ready(context);
    CHECK(waiting.outcome().code() == weir::condition::cancelled);

    test::task<weir::bytes> again(context.get_executor(), source.read(memory.promised, 100));
    test::run_ready(context);
    CHECK(!again.done());
    taken.clear();
    test::run_ready(context);
    CHECK(test::text_of(*again.outcome()) == "abc");
    test::await(context, source.close());
}

TEST_CASE("stream_source: a reservation dropped in the wait ends it")
{
    asio::io_context context;
    sockets pair(context);
    weir::stream_source source(std::move(pair.mine));
    weir::reservation empty;
    CHECK(test::await(context, weir::as_result(source.read(empty, 100))).code() == weir::errc::closed);
}

TEST_CASE("stream_source: dropped with a read under way, its blocks come back when the stream has ended it")
{
    asio::io_context context;
    memory_of memory(3);
    sockets pair(context);
    {
        weir::stream_source source(pair.mine);
        test::task<weir::bytes> waiting(context.get_executor(), source.read(memory.promised, 100));
        test::run_ready(context);
        waiting.cancel();
        test::run_ready(context);
        CHECK(!memory.all_back()); // lent to the read
    }
    context.restart();
    context.run(); // returns: nothing is pending
    CHECK(memory.all_back());
    CHECK(pair.mine.is_open());
}

TEST_CASE("stream_source: a stream whose executor is destroyed in the wait is closed")
{
    asio::io_context context;
    memory_of memory(3);
    auto other = std::make_unique<asio::io_context>();
    auto pair = std::make_unique<sockets>(*other);
    weir::stream_source source(pair->mine);
    test::task<weir::bytes> waiting(context.get_executor(), source.read(memory.promised, 100));
    test::run_ready(context);
    other->poll();
    CHECK(!waiting.done());
    pair.reset();
    other.reset(); // with the read that has just been cancelled in its queue
    test::run_ready(context);
    CHECK(waiting.outcome().code() == weir::errc::closed);
    CHECK(test::await(context, weir::as_result(source.read(memory.promised, 100))).code() == weir::errc::closed);
    test::await(context, source.close());
    CHECK(memory.all_back());
}

} // namespace
} // namespace stream_source_test
