#include <weir/buffer.hpp>
#include <weir/buffer_pool.hpp>
#include <weir/bytes.hpp>
#include <weir/error.hpp>
#include <weir/slice.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace {

constexpr std::size_t block_bytes = 4096;

weir::pool_options small_pool() { return {.tiers = {{block_bytes, 8}}, .max_bytes = 8 * block_bytes}; }

void append_text(weir::buffer& target, std::string_view text)
{
    std::memcpy(target.spare().data(), text.data(), text.size());
    target.commit(text.size());
}

std::string text_of(std::span<const std::byte> memory)
{
    return {reinterpret_cast<const char*>(memory.data()), memory.size()};
}

std::string text_of(const weir::bytes& content)
{
    const std::vector<std::byte> copy = content.copy_out();
    return text_of(std::span<const std::byte>(copy));
}

std::size_t in_use(const weir::buffer_pool& pool) { return pool.statistics().tiers[0].in_use; }

static_assert(sizeof(weir::slice) == 24);

TEST_CASE("buffer: starts empty, grows by commit and resize, and is emptied by clear")
{
    weir::buffer_pool pool(small_pool());
    weir::buffer buffer = pool.acquire_now(100);
    CHECK(buffer.empty());
    CHECK(buffer.capacity() == block_bytes);
    append_text(buffer, "abc");
    CHECK(text_of(std::as_const(buffer).span()) == "abc");
    CHECK(buffer.spare().size() == block_bytes - 3);
    buffer.resize(block_bytes);
    CHECK(buffer.spare().empty());
    buffer.clear();
    CHECK(buffer.size() == 0);
}

TEST_CASE("buffer: resize above the capacity is refused and changes nothing")
{
    weir::buffer_pool pool(small_pool());
    weir::buffer buffer = pool.acquire_now(1);
    buffer.resize(7);
    try {
        buffer.resize(block_bytes + 1);
        FAIL("accepted");
    }
    catch (const weir::error& failure) {
        CHECK(failure.code() == weir::errc::invalid_size);
    }
    CHECK(buffer.size() == 7);
}

TEST_CASE("buffer: a moved-from buffer owns nothing")
{
    weir::buffer_pool pool(small_pool());
    weir::buffer first = pool.acquire_now(1);
    append_text(first, "x");
    const weir::buffer second = std::move(first);
    CHECK(!first);
    CHECK(first.capacity() == 0);
    CHECK(first.size() == 0);
    CHECK(second.size() == 1);
    CHECK(in_use(pool) == 1);
}

TEST_CASE("buffer: the filled prefix is shared while the rest is filled")
{
    weir::buffer_pool pool(small_pool());
    weir::buffer buffer = pool.acquire_now(1);
    append_text(buffer, "abcdef");
    const weir::slice early = buffer.freeze(1, 3);
    append_text(buffer, "ghi");
    CHECK(text_of(early) == "bcd");
    CHECK(text_of(std::move(buffer).freeze()) == "abcdefghi");
}

TEST_CASE("buffer: the block returns when the buffer and all slices are gone, in whatever order")
{
    weir::buffer_pool pool(small_pool());
    weir::slice kept;
    {
        weir::buffer buffer = pool.acquire_now(1);
        append_text(buffer, "abcdef");
        kept = buffer.freeze(2, 2);
    }
    CHECK(in_use(pool) == 1);
    weir::slice copy = kept.subslice(1, 1);
    kept = {};
    CHECK(in_use(pool) == 1);
    CHECK(text_of(copy) == "d");
    copy = {};
    CHECK(in_use(pool) == 0);
}

TEST_CASE("slice: adopted memory keeps its owner alive")
{
    auto owner = std::make_shared<std::string>("hello");
    const std::weak_ptr<std::string> alive = owner;
    weir::slice slice = weir::slice::adopt(std::as_bytes(std::span(*owner)), owner);
    owner.reset();
    const weir::slice tail = slice.subslice(1, 4);
    slice = {};
    CHECK(!alive.expired());
    CHECK(text_of(tail) == "ello");
    slice = tail;
    const weir::slice moved = std::move(slice);
    CHECK(slice.empty());
    CHECK(text_of(moved) == "ello");
}

TEST_CASE("slice: remove_prefix narrows the view")
{
    const std::string text = "hello";
    weir::slice slice = weir::slice::adopt(std::as_bytes(std::span(text)), nullptr);
    slice.remove_prefix(2);
    CHECK(text_of(slice) == "llo");
}

TEST_CASE("bytes: slices that touch in one block are joined, others are not")
{
    weir::buffer_pool pool(small_pool());
    weir::buffer buffer = pool.acquire_now(1);
    append_text(buffer, "abcdef");
    weir::bytes content;
    content.append(buffer.freeze(0, 2));
    content.append(buffer.freeze(2, 2));
    CHECK(content.slice_count() == 1);
    content.append(buffer.freeze(5, 1));
    CHECK(content.slice_count() == 2);
    content.append(weir::slice());
    CHECK(content.slice_count() == 2);
    CHECK(text_of(content) == "abcdf");
    CHECK(content.size() == 5);
}

TEST_CASE("bytes: can be appended to themselves")
{
    weir::buffer_pool pool(small_pool());
    weir::buffer buffer = pool.acquire_now(1);
    append_text(buffer, "abcd");
    weir::bytes content(buffer.freeze(0, 1));
    content.append(buffer.freeze(2, 2));
    content.append(content);
    CHECK(text_of(content) == "acdacd");
}

TEST_CASE("bytes: moving leaves nothing behind")
{
    const std::string text = "hello";
    weir::bytes first(weir::slice::adopt(std::as_bytes(std::span(text)), nullptr));
    weir::bytes second = std::move(first);
    CHECK(first.empty());
    CHECK(first.slice_count() == 0);
    first.append(std::move(second));
    CHECK(second.empty());
    CHECK(text_of(first) == "hello");
}

TEST_CASE("bytes: any part and any front equals that of the joined text")
{
    auto random = test::generator(11);
    for (int round = 0; round < 200; ++round) {
        std::string whole;
        weir::bytes content;
        const std::size_t pieces = random() % 9;
        for (std::size_t i = 0; i < pieces; ++i) {
            auto piece = std::make_shared<std::string>();
            for (std::size_t n = random() % 20; n > 0; --n)
                piece->push_back(static_cast<char>('a' + random() % 26));
            whole += *piece;
            content.append(weir::slice::adopt(std::as_bytes(std::span(*piece)), piece));
        }
        REQUIRE(content.size() == whole.size());
        const std::size_t offset = random() % (whole.size() + 1);
        const std::size_t count = random() % (whole.size() - offset + 1);
        CHECK(text_of(content.subrange(offset, count)) == whole.substr(offset, count));
        CHECK(text_of(content.take_front(offset)) == whole.substr(0, offset));
        CHECK(text_of(content) == whole.substr(offset));
        CHECK(content.size() == whole.size() - offset);
        CHECK(std::none_of(content.begin(), content.end(), [](const weir::slice& each) { return each.empty(); }));
    }
}

TEST_CASE("split: slots do not overlap, and the block returns with the last of them")
{
    weir::buffer_pool pool(small_pool());
    std::vector<weir::buffer> slots = weir::split(pool.acquire_now(1), 1000);
    REQUIRE(slots.size() == 4);
    for (std::size_t i = 0; i < slots.size(); ++i) {
        CHECK(slots[i].capacity() == 1000);
        append_text(slots[i], std::string(1000, static_cast<char>('a' + i)));
    }
    const weir::slice kept = std::move(slots[2]).freeze();
    slots.clear();
    CHECK(in_use(pool) == 1);
    CHECK(text_of(kept) == std::string(1000, 'c'));
}

TEST_CASE("split: slots of no bytes, or more than the block has, are refused and the block returns")
{
    weir::buffer_pool pool(small_pool());
    CHECK_THROWS_AS((void)weir::split(pool.acquire_now(1), 0), weir::error);
    CHECK_THROWS_AS((void)weir::split(pool.acquire_now(1), block_bytes + 1), weir::error);
    CHECK_THROWS_AS((void)weir::split(weir::buffer(), 1), weir::error);
    CHECK(in_use(pool) == 0);
}

} // namespace
