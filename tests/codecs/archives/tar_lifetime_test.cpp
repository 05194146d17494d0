// What an archive holds, who may go first, and where it may be interrupted.

#include "archive_reading.hpp"
#include "tar_writing.hpp"

#include "support/allocation_counter.hpp"

#include <weir/chunk_stream.hpp>
#include <weir/hasher.hpp>
#include <weir/memory_source.hpp>

#include <doctest/doctest.h>

namespace asio = boost::asio;
using test::bench;
using test::tar_file;
using weir::errc;

namespace {

std::string archive_of(std::size_t entries, std::size_t bytes)
{
    std::string out;
    for (std::size_t i = 0; i < entries; ++i)
        out += tar_file("entry " + std::to_string(i), std::string(bytes, static_cast<char>('a' + i % 26)));
    return out + test::tar_end();
}

weir::reservation one_block(bench& b) { return b.engine.pool().try_reserve(1, b.engine.block_bytes()).value(); }

weir::archive_entry next_of(bench& b, weir::archive& from) { return test::run(b.context, from.next()).value(); }

std::error_code outcome_of(const std::function<void()>& call)
{
    try {
        call();
        return {};
    }
    catch (...) {
        return weir::code_of(std::current_exception());
    }
}

test::script in_pieces(std::size_t bytes)
{
    test::script out;
    out.read_size = [bytes] { return bytes; };
    out.suspends = [] { return true; };
    return out;
}

} // namespace

TEST_CASE("tar: a content can be opened once, while it is its turn")
{
    bench b;
    const std::string text = archive_of(3, 100);
    const auto opened = test::open_text(b, text);
    CHECK(opened->format() == weir::archive_format::tar);
    CHECK(!opened->reads_in_any_order());
    weir::reservation memory = one_block(b);
    const weir::archive_entry first = next_of(b, *opened);
    const std::unique_ptr<weir::source> content = opened->open(first);
    CHECK(content->name() == "scripted/entry 0");
    CHECK(content->size() == 100u);
    CHECK(outcome_of([&] { (void)opened->open(first); }) == errc::closed);
    CHECK(test::run(b.context, content->read(memory, 10)).size() == 10);

    const weir::archive_entry second = next_of(b, *opened);
    CHECK(outcome_of([&] { (void)opened->open(first); }) == errc::closed);
    CHECK(outcome_of([&] { (void)test::run(b.context, content->read(memory, 10)); }) == errc::closed);
    const std::unique_ptr<weir::source> other = opened->open(second);
    CHECK(test::run(b.context, other->read(memory, 1000)).size() == 100);
    CHECK(test::run(b.context, other->read(memory, 1000)).empty());
    CHECK(test::run(b.context, other->read(memory, 1000)).empty());
    test::run(b.context, other->close());
    test::run(b.context, other->close());
    CHECK(outcome_of([&] { (void)test::run(b.context, other->read(memory, 10)); }) == errc::closed);
    CHECK(next_of(b, *opened).name == "entry 2");
    CHECK(!test::run(b.context, opened->next()));
    CHECK(!test::run(b.context, opened->next()));
    test::run(b.context, opened->close());
}

TEST_CASE("tar: a content outlives its archive, and says so")
{
    bench b;
    const std::string text = archive_of(2, 100);
    weir::reservation memory = one_block(b);
    for (const bool is_closed : {true, false}) {
        int alive = 0;
        auto input = std::make_unique<test::scripted_source>(std::as_bytes(std::span(text)), test::script{}, &alive);
        auto opened = test::run(b.context, weir::open_archive(b.engine, std::move(input)));
        std::unique_ptr<weir::source> content = opened->open(next_of(b, *opened));
        const weir::bytes kept = test::run(b.context, content->read(memory, 50));
        if (is_closed) {
            test::run(b.context, opened->close());
            test::run(b.context, opened->close());
            CHECK(outcome_of([&] { (void)test::run(b.context, opened->next()); }) == errc::closed);
        }
        opened.reset();
        CHECK(outcome_of([&] { (void)test::run(b.context, content->read(memory, 50)); }) == errc::closed);
        content.reset();
        CHECK(alive == 0);
        CHECK(kept.copy_out() == test::bytes_of(std::string(50, 'a'))); // though its pool has gone
    }
    memory = {};
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
    CHECK(b.engine.pool().check());
}

TEST_CASE("tar: who keeps all contents holds up nobody: what there is no block for is copied")
{
    bench b(1 << 20);
    const std::string text = archive_of(40, 20'000);
    const auto opened = test::open_text(b, text);
    weir::reservation memory = b.engine.pool().try_reserve(16, b.engine.block_bytes()).value(); // all there are
    std::vector<weir::bytes> kept;
    std::vector<std::unique_ptr<weir::source>> contents;
    while (const std::optional<weir::archive_entry> next = test::run(b.context, opened->next())) {
        contents.push_back(opened->open(*next));
        weir::bytes whole;
        for (weir::bytes piece = test::run(b.context, contents.back()->read(memory, 1 << 20)); !piece.empty();
             piece = test::run(b.context, contents.back()->read(memory, 1 << 20)))
            whole.append(std::move(piece));
        contents.pop_back();
        kept.push_back(std::move(whole));
        if (kept.size() == 20)
            kept.clear(); // as much as our own blocks hold
    }
    CHECK(kept.empty());
    CHECK(memory.free_blocks() == 16);
    test::run(b.context, opened->close());
}

TEST_CASE("tar: a reader without memory of his own gets what can be lent, and nothing is lost beyond that")
{
    bench b;
    const std::string text = archive_of(2, 3'000'000);
    const auto opened = test::open_text(b, text);
    const std::unique_ptr<weir::source> content = opened->open(next_of(b, *opened));
    weir::reservation none;
    std::vector<weir::bytes> kept;
    std::size_t size = 0;
    const std::error_code ended = outcome_of([&] {
        for (;;)
            size += kept.emplace_back(test::run(b.context, content->read(none, 1 << 20))).size();
    });
    CHECK(ended == errc::closed);
    CHECK(size < 1 << 20);
    kept.clear();
    for (weir::bytes piece; !(piece = test::run(b.context, content->read(none, 1 << 20))).empty();)
        size += piece.size();
    CHECK(size == 3'000'000);
    CHECK(next_of(b, *opened).name == "entry 1");
    test::run(b.context, opened->close());
}

TEST_CASE("tar: flows over one entry after the other get all memory of the engine in turn, compressed or not")
{
    const test::byte_vector expected = test::words(3'000'000, 3);
    const std::string_view content(reinterpret_cast<const char*>(expected.data()), expected.size());
    std::vector<std::string> inputs = {tar_file("a", content) + tar_file("b", content) + test::tar_end()};
    if (weir::is_built_in(weir::codec::gzip)) {
        const test::byte_vector out = test::encoded(weir::codec::gzip, std::as_bytes(std::span(inputs[0])));
        inputs.emplace_back(reinterpret_cast<const char*>(out.data()), out.size());
    }
    for (const std::string& text : inputs) {
        bench b(19 * (64 << 10)); // what a chunk of 1 MiB needs, and nothing beyond
        const auto opened = test::open_text(b, text);
        while (const std::optional<weir::archive_entry> next = test::run(b.context, opened->next())) {
            const weir::stream_options options{.chunker = weir::fixed(1 << 20)};
            weir::chunk_stream chunks(b.engine, opened->open(*next), options);
            test::byte_vector out;
            while (std::optional<weir::chunk> each = test::await(b.context, chunks.next())) {
                const test::byte_vector copy = each->content.copy_out();
                out.insert(out.end(), copy.begin(), copy.end());
            }
            CHECK(out == expected);
        }
        test::run(b.context, opened->close());
    }
}

TEST_CASE("tar: cancelled at any step, it goes on where it was")
{
    bench b;
    const std::string text = archive_of(3, 700) + archive_of(0, 0);
    const test::reading whole = test::read_text(b, text);
    for (int steps = 0; steps < 60; ++steps) {
        CAPTURE(steps);
        const auto opened = test::open_text(b, text, in_pieces(300));
        weir::reservation memory = one_block(b);
        test::reading out;
        {
            test::task<void> reading(b.context.get_executor(), test::read_entries(*opened, memory, out, {}));
            b.context.restart();
            for (int i = 0; i < steps && !reading.done() && b.context.run_one() != 0; ++i)
                ;
            reading.cancel();
            b.context.restart();
            b.context.run();
            CHECK(reading.done());
        }
        test::reading rest;
        test::run(b.context, test::read_entries(*opened, memory, rest, {}));
        // The entry that was read when it was cancelled is left by next(); no other is lost.
        for (test::read_entry& each : rest.entries)
            out.entries.push_back(std::move(each));
        REQUIRE(out.entries.size() == whole.entries.size());
        for (std::size_t i = 0; i < out.entries.size(); ++i) {
            CHECK(out.entries[i].entry.name == whole.entries[i].entry.name);
            if (!out.entries[i].refused)
                CHECK(out.entries[i] == whole.entries[i]);
        }
        test::run(b.context, opened->close());
    }
    CHECK(b.engine.pool().check());
}

TEST_CASE("tar: a content that is cancelled at any step loses nothing")
{
    bench b;
    const std::string text = archive_of(1, 20'000);
    for (int steps = 0; steps < 40; ++steps) {
        CAPTURE(steps);
        const auto opened = test::open_text(b, text, in_pieces(1500));
        weir::reservation memory = one_block(b);
        const std::unique_ptr<weir::source> content = opened->open(next_of(b, *opened));
        test::byte_vector out;
        {
            test::task<void> reading(b.context.get_executor(), test::read_into(out, *content, memory, 1000));
            b.context.restart();
            for (int i = 0; i < steps && !reading.done() && b.context.run_one() != 0; ++i)
                ;
            reading.cancel();
            b.context.restart();
            b.context.run();
        }
        test::run(b.context, test::read_into(out, *content, memory, 1000));
        CHECK(out == test::bytes_of(std::string(20'000, 'a')));
        test::run(b.context, content->close());
        test::run(b.context, opened->close());
        CHECK(memory.free_blocks() == 1);
    }
}

TEST_CASE("tar: an error of the input is given again, and others of the format too")
{
    bench b;
    const std::string text = archive_of(2, 1000);
    for (const std::size_t place : {600, 1000, 1700}) {
        test::script broken;
        broken.fails_at = place;
        const auto opened = test::open_text(b, text, broken);
        weir::reservation memory = one_block(b);
        test::reading out;
        for (int i = 0; i < 2; ++i) {
            const auto all = test::run(b.context, weir::as_result(test::read_entries(*opened, memory, out, {})));
            CHECK(all.code() == std::errc::io_error);
        }
        CHECK(out.entries.size() == 1);
        test::run(b.context, opened->close());
    }
    std::string corrupt = text;
    corrupt[2048 - 512 + 3] = 'x'; // the second header
    const auto opened = test::open_text(b, corrupt);
    (void)next_of(b, *opened);
    for (int i = 0; i < 2; ++i)
        CHECK(outcome_of([&] { (void)test::run(b.context, opened->next()); }) == errc::checksum_mismatch);
    test::run(b.context, opened->close());
}

TEST_CASE("tar: a small entry costs few allocations, and no read of its own")
{
    bench b;
    const std::string text = archive_of(2000, 100);
    std::size_t reads = 0;
    test::script counting;
    counting.read_size = [&] { return ++reads, text.size(); };
    const auto opened = test::open_text(b, text, counting);
    weir::reservation memory = one_block(b);
    const auto read_some = [&](std::size_t count) -> asio::awaitable<void> {
        for (std::size_t i = 0; i < count; ++i) {
            const std::optional<weir::archive_entry> next = co_await opened->next();
            const std::unique_ptr<weir::source> content = opened->open(*next);
            CHECK((co_await content->read(memory, 1000)).size() == 100);
            CHECK((co_await content->read(memory, 1000)).empty());
        }
    };
    test::run(b.context, read_some(1000));
    const std::size_t reads_before = std::exchange(reads, 0);
    const std::size_t before = test::allocations();
    test::run(b.context, read_some(1000));
    CHECK(test::allocations() - before < 4200);
    CHECK(reads_before < 20);
    CHECK(reads < 20);
    test::run(b.context, opened->close());
}
