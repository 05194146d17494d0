#include <weir/memory_source.hpp>

#include "support/coroutine.hpp"

#include "content.hpp"

#include <weir/error.hpp>

namespace {

weir::reservation no_memory;

TEST_CASE("memory_source: gives the memory itself, in order, and then nothing for ever")
{
    boost::asio::io_context context;
    const std::string text = "abcdefgh";
    weir::memory_source source(std::as_bytes(std::span(text)));
    CHECK(source.size() == 8u);
    const weir::bytes first = test::await(context, source.read(no_memory, 5));
    const weir::bytes second = test::await(context, source.read(no_memory, 5));
    CHECK(test::text_of(first) == "abcde");
    CHECK(test::text_of(second) == "fgh");
    CHECK(static_cast<const void*>(first.begin()->data()) == text.data());
    CHECK(test::await(context, source.read(no_memory, 5)).empty());
    CHECK(test::await(context, source.read(no_memory, 5)).empty());
}

TEST_CASE("memory_source: its owner lives as long as a slice of it")
{
    boost::asio::io_context context;
    std::weak_ptr<const std::string> watched;
    weir::bytes kept;
    {
        auto owner = std::make_shared<const std::string>("abc");
        watched = owner;
        weir::memory_source source(std::as_bytes(std::span(*owner)), owner);
        owner.reset();
        kept = test::await(context, source.read(no_memory, 100));
        test::await(context, source.close());
    }
    CHECK(!watched.expired());
    CHECK(test::text_of(kept) == "abc");
    kept.clear();
    CHECK(watched.expired());
}

TEST_CASE("memory_source: keeps a text of its own, and an empty one ends at once")
{
    boost::asio::io_context context;
    weir::memory_source source(std::string("owned"), "greeting");
    CHECK(source.name() == "greeting");
    CHECK(test::text_of(test::await(context, source.read(no_memory, 100))) == "owned");
    weir::memory_source empty{std::string()};
    CHECK(empty.size() == 0u);
    CHECK(test::await(context, empty.read(no_memory, 1)).empty());
}

TEST_CASE("memory_source: closed, it says so, and closes twice")
{
    boost::asio::io_context context;
    weir::memory_source source(std::string("text"));
    test::await(context, source.close());
    test::await(context, source.close());
    const auto outcome = test::await(context, weir::as_result(source.read(no_memory, 1)));
    CHECK(outcome.code() == weir::errc::closed);
}

} // namespace
