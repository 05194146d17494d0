#include <weir/as_result.hpp>

#include "support/coroutine.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <stdexcept>

namespace {

namespace asio = boost::asio;

asio::awaitable<void> pause()
{
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

template <class T> asio::awaitable<T> give(T value)
{
    co_await pause();
    co_return value;
}

asio::awaitable<int> fail_to_read()
{
    co_await pause();
    throw weir::error(std::make_error_code(std::errc::io_error), "read", "a.bin", 4096);
}

TEST_CASE("as_result: a value comes through, move-only ones too")
{
    asio::io_context context;
    auto owned = test::await(context, weir::as_result(give(std::make_unique<int>(7))));
    REQUIRE(owned.has_value());
    CHECK(**owned == 7);
    CHECK(!owned.code());
    CHECK(owned.message().empty());
    CHECK(!owned.exception());
    const std::unique_ptr<int> taken = std::move(owned).value();
    CHECK(*taken == 7);
}

TEST_CASE("as_result: an awaitable without a value gives success")
{
    asio::io_context context;
    const weir::result<void> outcome = test::await(context, weir::as_result(pause()));
    CHECK(outcome);
    CHECK_NOTHROW(outcome.value());
}

TEST_CASE("as_result: a failure keeps code, text and the exception itself")
{
    asio::io_context context;
    const weir::result<int> outcome = test::await(context, weir::as_result(fail_to_read()));
    CHECK(!outcome);
    CHECK(outcome.code() == std::errc::io_error);
    CHECK(outcome.message() == "read a.bin at 4096: input/output error");
    try {
        outcome.value();
        FAIL("no exception");
    }
    catch (const weir::error& failure) {
        CHECK(failure.offset() == 4096u);
    }
}

TEST_CASE("as_result: exceptions that are none of weir's are failures too")
{
    asio::io_context context;
    auto fail = []() -> asio::awaitable<void> {
        co_await pause();
        throw std::runtime_error("broken");
    };
    auto fail_oddly = []() -> asio::awaitable<void> {
        co_await pause();
        throw 42;
    };
    const weir::result<void> known = test::await(context, weir::as_result(fail()));
    CHECK(known.code() == weir::errc::internal);
    CHECK(known.message() == "broken");
    CHECK(test::await(context, weir::as_result(fail_oddly())).message() == "unknown exception");
}

} // namespace
