#include <weir/stream_sink.hpp>

#include "support/coroutine.hpp"

#include "content.hpp"

#include <weir/error.hpp>

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/thread_pool.hpp>

namespace {

namespace asio = boost::asio;
using socket_type = asio::local::stream_protocol::socket;

TEST_CASE("stream_sink: the peer reads the content of all chunks in order")
{
    asio::io_context context;
    socket_type mine(context), peer(context);
    asio::local::connect_pair(mine, peer);
    {
        weir::stream_sink sink(std::move(mine));
        std::vector<weir::chunk> chunks;
        chunks.push_back(test::chunk_of("hello, "));
        chunks.push_back(test::chunk_of("streams"));
        test::await(context, sink.write(chunks));
        CHECK(sink.bytes_written() == 14);
        test::await(context, sink.finish());
    }
    std::string got;
    boost::system::error_code end;
    asio::read(peer, asio::dynamic_buffer(got), end);
    CHECK(got == "hello, streams");
    CHECK(end == asio::error::eof);
}

TEST_CASE("stream_sink: writes more slices than one system call takes, on the stream's own executor")
{
    asio::thread_pool threads(1);
    asio::io_context context;
    socket_type mine(threads), peer(context);
    asio::local::connect_pair(mine, peer);
    const std::string text(100'000, 'x');
    std::vector<weir::chunk> chunks;
    chunks.push_back(test::chunk_of(text, 7));
    weir::stream_sink sink(mine); // by reference
    test::task<void> writing(context.get_executor(), sink.write(chunks));
    std::string got(text.size(), '\0');
    asio::async_read(peer, asio::buffer(got), [](boost::system::error_code failed, std::size_t) { CHECK(!failed); });
    context.run();
    REQUIRE(writing.outcome());
    CHECK(got == text);
    threads.join();
    CHECK(mine.is_open());
}

TEST_CASE("stream_sink: a peer that is gone is an error with name and place, and stays one")
{
    asio::io_context context;
    socket_type mine(context), peer(context);
    asio::local::connect_pair(mine, peer);
    weir::stream_sink sink(std::move(mine), "peer 1");
    std::vector<weir::chunk> chunks;
    chunks.push_back(test::chunk_of("abc"));
    test::await(context, sink.write(chunks));
    peer.close();
    const auto outcome = test::await(context, weir::as_result(sink.write(chunks)));
    CHECK(outcome.code() == std::errc::broken_pipe);
    CHECK(outcome.message() == "write peer 1 at 3: broken pipe");
    CHECK(test::await(context, weir::as_result(sink.write(chunks))).code() == std::errc::broken_pipe);
}

TEST_CASE("stream_sink: cancelled while the peer does not read, no later write mixes in")
{
    asio::thread_pool threads(1);
    asio::io_context context;
    for (const bool elsewhere : {false, true}) {
        const asio::any_io_executor where =
            elsewhere ? asio::any_io_executor(threads.get_executor()) : context.get_executor();
        socket_type mine(where), peer(context);
        asio::local::connect_pair(mine, peer);
        weir::stream_sink sink(std::move(mine));
        std::vector<weir::chunk> chunks;
        chunks.push_back(test::chunk_of(std::string(std::size_t{8} << 20, 'x'), 1 << 20));
        test::task<void> writing(context.get_executor(), sink.write(chunks));
        test::run_ready(context);
        CHECK(!writing.done());
        writing.cancel();
        context.restart();
        context.run();
        CHECK(writing.outcome().code() == weir::condition::cancelled);
        CHECK(test::await(context, weir::as_result(sink.write(chunks))).code() == weir::condition::cancelled);
    }
    threads.join();
}

} // namespace
