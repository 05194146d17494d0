#include <weir/coding_sink.hpp>

#include "streaming.hpp"

#include "support/seed.hpp"

#include <weir/flow.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

namespace asio = boost::asio;
using test::bench;
using weir::codec;
using weir::errc;

using test::code_of;

namespace {

/// Keeps a copy of what it gets; checks that the offsets follow one another.
class keeping_sink final : public weir::sink {
public:
    asio::awaitable<void> write(std::span<weir::chunk> chunks) override
    {
        const auto here = co_await asio::this_coro::executor;
        co_await asio::post(here, asio::use_awaitable);
        if (fails)
            throw weir::error(errc::closed, "write", "keeping sink");
        for (const weir::chunk& each : chunks) {
            CHECK(each.offset == kept.size());
            CHECK(each.size() > 0);
            largest = std::max<std::size_t>(largest, each.size());
            const test::byte_vector copy = each.content.copy_out();
            kept.insert(kept.end(), copy.begin(), copy.end());
        }
    }
    asio::awaitable<void> finish() override
    {
        finished = true;
        co_return;
    }

    test::byte_vector kept;
    std::size_t largest = 0; ///< of what came
    bool fails = false;
    bool finished = false;
};

std::vector<weir::chunk> chunks_of(const test::byte_vector& content, std::mt19937_64& random)
{
    std::vector<weir::chunk> out;
    for (std::size_t at = 0; at < content.size();) {
        const std::size_t size = std::min<std::size_t>(1 + random() % 100'000, content.size() - at);
        weir::chunk next;
        next.offset = at;
        next.content.append(weir::slice::adopt(std::span(content).subspan(at, size), nullptr));
        out.push_back(std::move(next));
        at += size;
    }
    return out;
}

asio::awaitable<void> write_all(weir::sink& to, std::vector<weir::chunk>& chunks)
{
    for (weir::chunk& each : chunks) {
        const std::span<weir::chunk> one(&each, 1);
        co_await to.write(one);
    }
    co_await to.finish();
}

} // namespace

TEST_CASE("coding sink: what one encodes another decodes on its way")
{
    bench b;
    std::mt19937_64 random = test::generator(9);
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        for (const std::size_t size : {std::size_t{0}, std::size_t{random() % 600'000}}) {
            const test::byte_vector content = test::words(size, random());
            keeping_sink last;
            weir::decoding_sink decoding(b.engine, last, {.codec = each});
            const weir::encoding_options fast{.codec = each, .settings = {.level = weir::codec_level::fastest}};
            weir::encoding_sink encoding(b.engine, decoding, fast);
            std::vector<weir::chunk> chunks = chunks_of(content, random);
            test::run(b.context, write_all(encoding, chunks));
            CHECK(last.finished);
            CHECK(last.kept == content);
        }
    }
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
}

TEST_CASE("coding sink: a flow ends in it like in any other")
{
    bench b;
    const test::byte_vector content = test::words(2'000'000, 1);
    const codec which = test::built_in_codecs().back();
    keeping_sink last;
    weir::encoding_sink encoding(b.engine, last, {.codec = which, .settings = {.level = weir::codec_level::fastest}});
    auto input = std::make_unique<test::scripted_source>(content);
    auto flow = weir::run_flow(b.engine, std::move(input), encoding);
    static_cast<void>(test::await(b.context, std::move(flow)));
    CHECK(last.finished);
    CHECK(test::decoded(which, last.kept) == content);
}

TEST_CASE("decoding sink: what is not whole fails at the end, and the target is not finished")
{
    bench b;
    std::mt19937_64 random(1);
    for (const codec each : test::built_in_codecs()) {
        if (each == codec::identity)
            continue;
        test::byte_vector stream = test::encoded(each, test::words(5000, 2));
        stream.pop_back();
        keeping_sink last;
        weir::decoding_sink decoding(b.engine, last, {.codec = each}, "upload");
        std::vector<weir::chunk> chunks = chunks_of(stream, random);
        CHECK(code_of([&] { test::run(b.context, write_all(decoding, chunks)); }) == errc::truncated);
        CHECK_FALSE(last.finished);
        CHECK(code_of([&] { test::run(b.context, decoding.finish()); }) == errc::closed);
    }
}

TEST_CASE("coding sink: an error of the target comes out, and no later call succeeds")
{
    bench b;
    std::mt19937_64 random(2);
    const test::byte_vector content = test::words(1'000'000, 3);
    keeping_sink last;
    last.fails = true;
    weir::encoding_sink encoding(b.engine, last, {.codec = codec::identity});
    std::vector<weir::chunk> chunks = chunks_of(content, random);
    CHECK(code_of([&] { test::run(b.context, write_all(encoding, chunks)); }) == errc::closed);
    last.fails = false;
    CHECK(code_of([&] { test::run(b.context, encoding.finish()); }) == errc::closed);
    CHECK_FALSE(last.finished);
}

TEST_CASE("coding sink: cancelled at any step, its memory is back and the target not finished")
{
    std::mt19937_64 random(3);
    const test::byte_vector content = test::words(500'000, 4);
    bench b;
    for (int steps = 0; steps < 30; ++steps) {
        keeping_sink last;
        {
            weir::encoding_sink encoding(b.engine, last, {.codec = codec::identity});
            std::vector<weir::chunk> chunks = chunks_of(content, random);
            test::task<void> writing(b.context.get_executor(), write_all(encoding, chunks));
            b.context.restart();
            for (int i = 0; i < steps && !writing.done() && b.context.run_one() != 0; ++i)
                ;
            const bool done = writing.done();
            writing.cancel();
            b.context.restart();
            b.context.run();
            CHECK(last.finished == done);
        }
        CHECK(b.engine.pool().statistics().in_use_bytes == 0);
    }
}

TEST_CASE("coding sink: threads of the library are refused by name: it works on the engine's")
{
    bench b;
    keeping_sink last;
    for (const codec each : test::built_in_codecs()) {
        const weir::encoding_options threads{.codec = each, .settings = {.threads = 2}};
        CHECK(code_of([&] { weir::encoding_sink(b.engine, last, threads); }) == errc::bad_configuration);
    }
}

TEST_CASE("decoding sink: past the end, or an error, it keeps nothing of what comes in")
{
    if (!weir::is_built_in(codec::gzip))
        return;
    bench b;
    const test::byte_vector member = test::encoded(codec::gzip, test::bytes_of("content"));
    const auto content
        = std::make_shared<const test::byte_vector>(test::joined({member, test::words(500'000, 5)}));
    for (const bool concatenated : {false, true}) {
        keeping_sink last;
        weir::decoding_sink decoding(b.engine, last,
                                     {.codec = codec::gzip, .settings = {.concatenated = concatenated}});
        const auto write = [&] {
            weir::chunk only;
            only.content.append(weir::slice::adopt(*content, content));
            const std::span<weir::chunk> chunks(&only, 1);
            test::run(b.context, decoding.write(chunks));
        };
        CHECK(code_of(write) == (concatenated ? make_error_code(errc::trailing_data) : std::error_code()));
        CHECK(content.use_count() == 1);
        if (concatenated)
            continue;
        write(); // what comes later neither
        CHECK(content.use_count() == 1);
        test::run(b.context, decoding.finish());
        CHECK(last.kept == test::bytes_of("content"));
    }
}

TEST_CASE("coding sink: it writes pieces of the size that is asked for")
{
    bench b;
    std::mt19937_64 random(4);
    const test::byte_vector content = test::words(100'000, 6);
    for (const std::size_t size : {std::size_t{4} << 10, std::size_t{512} << 10}) {
        keeping_sink last;
        weir::encoding_sink encoding(b.engine, last, {.codec = codec::identity, .buffer_bytes = size});
        std::vector<weir::chunk> chunks = chunks_of(content, random);
        test::run(b.context, write_all(encoding, chunks));
        CHECK(last.kept == content);
        CHECK(last.largest == std::min(size, content.size()));
    }
}
