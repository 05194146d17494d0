#include <weir/tap.hpp>

#include "support/coroutine.hpp"

#include "content.hpp"

#include <weir/as_result.hpp>
#include <weir/detail/async_event.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>
#include <weir/flow.hpp>
#include <weir/memory_source.hpp>
#include <weir/sinks.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <string>
#include <thread>

namespace {

namespace asio = boost::asio;

weir::reservation no_blocks;

std::unique_ptr<weir::source> letters() { return std::make_unique<weir::memory_source>(std::string("abcdefgh"), "letters"); }

TEST_CASE("tap: shows each piece before it gives it, and the end to nobody")
{
    asio::io_context context;
    std::string shown;
    weir::tap source(letters(), context.get_executor(), [&](const weir::bytes& piece) -> asio::awaitable<void> {
        shown += test::text_of(piece) + ";";
        co_return;
    });
    CHECK(source.size() == 8u);
    CHECK(source.name() == "letters");
    CHECK(test::text_of(test::await(context, source.read(no_blocks, 5))) == "abcde");
    CHECK(shown == "abcde;");
    CHECK(test::text_of(test::await(context, source.read(no_blocks, 5))) == "fgh");
    CHECK(test::await(context, source.read(no_blocks, 5)).empty());
    CHECK(shown == "abcde;fgh;");
    test::await(context, source.close());
}

TEST_CASE("tap: who is shown a piece sets the pace")
{
    asio::io_context context;
    weir::detail::async_event gate;
    weir::tap source(letters(), context.get_executor(), [&](const weir::bytes&) -> asio::awaitable<void> {
        co_await gate.async_wait(asio::use_awaitable);
    });
    test::task<weir::bytes> reading(context.get_executor(), source.read(no_blocks, 100));
    test::run_ready(context);
    CHECK(!reading.done());
    gate.set();
    test::run_ready(context);
    CHECK(test::text_of(reading.outcome().value()) == "abcdefgh");
}

TEST_CASE("tap: cancelled while a piece is shown, or failed, it gives nothing any more")
{
    asio::io_context context;
    weir::detail::async_event never;
    weir::tap waiting(letters(), context.get_executor(), [&](const weir::bytes&) -> asio::awaitable<void> {
        co_await never.async_wait(asio::use_awaitable);
    });
    test::task<weir::bytes> reading(context.get_executor(), waiting.read(no_blocks, 5));
    test::run_ready(context);
    reading.cancel();
    test::run_ready(context);
    CHECK(reading.outcome().code() == weir::condition::cancelled);
    CHECK(test::await(context, weir::as_result(waiting.read(no_blocks, 5))).code() == weir::errc::closed);

    weir::tap failing(letters(), context.get_executor(), [](const weir::bytes&) -> asio::awaitable<void> {
        throw weir::error(weir::errc::mismatch, "look");
        co_return;
    });
    CHECK(test::await(context, weir::as_result(failing.read(no_blocks, 5))).code() == weir::errc::mismatch);
    CHECK(test::await(context, weir::as_result(failing.read(no_blocks, 5))).code() == weir::errc::closed);
}

TEST_CASE("tap: in a flow it runs on the executor that was named, and what fails there ends the flow")
{
    asio::io_context context;
    weir::engine engine(context.get_executor(), {.memory_bytes = 16 << 20, .workers = {.threads = 2}});
    const auto content = std::make_shared<const std::vector<std::byte>>(test::random_bytes(3'000'000));
    const std::thread::id here = std::this_thread::get_id();
    for (const std::size_t most : {content->size(), std::size_t{1'500'000}}) {
        std::size_t shown = 0;
        const auto counted = [&]() -> asio::awaitable<void> {
            if (shown > most)
                throw weir::error(weir::errc::limit_exceeded, "show");
            co_return;
        };
        auto source = std::make_unique<weir::tap>(std::make_unique<weir::memory_source>(*content, content, "memory"),
                                                  context.get_executor(), [&](const weir::bytes& piece) { // no coroutine itself
                                                      CHECK(std::this_thread::get_id() == here);
                                                      shown += piece.size();
                                                      return counted();
                                                  });
        weir::null_sink sink;
        const weir::result<weir::flow_statistics> ended
            = test::await(context, weir::as_result(weir::run_flow(engine, std::move(source), sink, {})));
        CHECK(ended.has_value() == (most == content->size()));
        CHECK((ended || ended.code() == weir::errc::limit_exceeded));
        CHECK((!ended || sink.bytes() == shown));
    }
}

TEST_CASE("tap: what is shown stays until it was seen, also when the reader has ended with its context")
{
    asio::io_context context;
    weir::detail::async_event gate;
    std::string seen;
    bool began = false;
    {
        weir::tap source(letters(), context.get_executor(),
                         [&, end = std::string(100, '.')](const weir::bytes& piece) -> asio::awaitable<void> {
                             began = true;
                             co_await gate.async_wait(asio::use_awaitable);
                             seen = test::text_of(piece) + end;
                         });
        asio::io_context readers;
        test::task<weir::bytes> reading(readers.get_executor(), source.read(no_blocks, 5));
        test::run_ready(readers);
        test::run_ready(context);
        CHECK(began);
    }
    gate.set();
    test::run_ready(context);
    CHECK(seen == "abcde" + std::string(100, '.'));
}

} // namespace
