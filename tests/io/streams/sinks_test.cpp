#include <weir/sinks.hpp>

#include "support/coroutine.hpp"

#include "content.hpp"

#include <weir/detail/async_event.hpp>
#include <weir/error.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <array>

namespace {

namespace asio = boost::asio;

// Waits for its event before it takes what it is given; keeps the content.
class gated_sink final : public weir::sink {
public:
    asio::awaitable<void> write(std::span<weir::chunk> chunks) override
    {
        ++begun;
        co_await gate.async_wait(asio::use_awaitable);
        if (failure)
            throw weir::error(*failure, "write", "gated");
        for (weir::chunk& each : chunks)
            kept.push_back(std::move(each));
    }
    asio::awaitable<void> finish() override
    {
        finished = true;
        co_return;
    }

    weir::detail::async_event gate;
    std::optional<weir::errc> failure;
    std::vector<weir::chunk> kept;
    int begun = 0;
    bool finished = false;
};

std::vector<weir::chunk> two_chunks()
{
    std::vector<weir::chunk> chunks;
    chunks.push_back(test::chunk_of("first"));
    chunks.push_back(test::chunk_of("second"));
    return chunks;
}

TEST_CASE("callback_sink: calls for each chunk in order, then once at the end; what is thrown comes out")
{
    asio::io_context context;
    std::string seen;
    bool finished = false;
    weir::callback_sink sink([&](weir::chunk& each) { seen += test::text_of(each.content) + ";"; },
                             [&] { finished = true; });
    std::vector<weir::chunk> chunks = two_chunks();
    test::await(context, sink.write(chunks));
    CHECK(!finished);
    test::await(context, sink.finish());
    CHECK(seen == "first;second;");
    CHECK(finished);

    weir::callback_sink broken([](weir::chunk&) { throw weir::error(weir::errc::mismatch, "look"); });
    CHECK(test::await(context, weir::as_result(broken.write(chunks))).code() == weir::errc::mismatch);
    test::await(context, broken.finish());
}

TEST_CASE("null_sink: counts what it drops")
{
    asio::io_context context;
    weir::null_sink sink;
    std::vector<weir::chunk> chunks = two_chunks();
    test::await(context, sink.write(chunks));
    CHECK(sink.chunks() == 2);
    CHECK(sink.bytes() == 11);
}

TEST_CASE("tee: both sinks get everything, and may both keep it; the slower one sets the pace")
{
    asio::io_context context;
    gated_sink fast, slow;
    weir::tee both(fast, slow);
    fast.gate.set();
    std::vector<weir::chunk> chunks = two_chunks();
    test::task<void> writing(context.get_executor(), both.write(chunks));
    test::run_ready(context);
    CHECK(fast.kept.size() == 2);
    CHECK(slow.begun == 1);
    CHECK(!writing.done());
    slow.gate.set();
    test::run_ready(context);
    REQUIRE(writing.outcome());
    REQUIRE(slow.kept.size() == 2);
    CHECK(test::text_of(fast.kept[1].content) == "second");
    CHECK(test::text_of(slow.kept[1].content) == "second");
    test::await(context, both.finish());
    CHECK(fast.finished);
    CHECK(slow.finished);
}

TEST_CASE("tee: when one fails the other is cancelled, and the first failure comes out")
{
    for (const bool first_fails : {true, false}) {
        asio::io_context context;
        gated_sink failing, waiting;
        failing.failure = weir::errc::exhausted;
        weir::tee both(first_fails ? failing : waiting, first_fails ? waiting : failing);
        std::vector<weir::chunk> chunks = two_chunks();
        test::task<void> writing(context.get_executor(), both.write(chunks));
        test::run_ready(context);
        CHECK(!writing.done());
        failing.gate.set();
        test::run_ready(context);
        CHECK(writing.outcome().code() == weir::errc::exhausted);
        CHECK(waiting.kept.empty());
    }
}

TEST_CASE("tee: it keeps nothing of what could not be written")
{
    asio::io_context context;
    gated_sink failing, waiting;
    failing.failure = weir::errc::exhausted;
    weir::tee both(failing, waiting);
    const auto memory = std::make_shared<std::array<std::byte, 10>>();
    {
        std::vector<weir::chunk> chunks(1);
        chunks.front().content.append(weir::slice::adopt(std::span<const std::byte>(*memory), memory));
        test::task<void> writing(context.get_executor(), both.write(chunks));
        failing.gate.set();
        test::run_ready(context);
        CHECK(writing.outcome().code() == weir::errc::exhausted);
        waiting.kept.clear();
    }
    CHECK(memory.use_count() == 1);
}

TEST_CASE("tee: cancelled, both are")
{
    asio::io_context context;
    gated_sink one, other;
    weir::tee both(one, other);
    std::vector<weir::chunk> chunks = two_chunks();
    test::task<void> writing(context.get_executor(), both.write(chunks));
    test::run_ready(context);
    writing.cancel();
    test::run_ready(context);
    CHECK(writing.outcome().code() == weir::condition::cancelled);
    CHECK(one.begun + other.begun == 2);

    test::task<void> never(context.get_executor(), both.write(chunks));
    never.cancel(); // before its start
    test::run_ready(context);
    CHECK(never.outcome().code() == weir::condition::cancelled);
    CHECK(one.kept.size() + other.kept.size() == 0);
}

} // namespace
