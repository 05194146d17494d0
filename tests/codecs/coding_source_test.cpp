#include <weir/coding_source.hpp>

#include "streaming.hpp"

#include "support/seed.hpp"

#include <weir/chunk_stream.hpp>
#include <weir/hasher.hpp>

#include <doctest/doctest.h>

namespace asio = boost::asio;
using test::bench;
using weir::codec;
using weir::errc;

namespace {

std::unique_ptr<test::scripted_source> from(const test::byte_vector& content, test::script how = {},
                                            int* alive = nullptr)
{
    return std::make_unique<test::scripted_source>(content, std::move(how), alive);
}

test::script pieces_of(std::function<std::size_t()> size, std::function<bool()> suspends = nullptr)
{
    test::script out;
    out.read_size = std::move(size);
    out.suspends = std::move(suspends);
    return out;
}

test::script failing_at(std::size_t place)
{
    test::script out;
    out.fails_at = place;
    return out;
}

weir::engine_options of_memory(std::size_t bytes)
{
    weir::engine_options out;
    out.memory_bytes = bytes;
    return out;
}

/// Gives parts of memory that is not the flow's, as much as it may at a time.
class lending_source final : public weir::source {
public:
    explicit lending_source(std::shared_ptr<const test::byte_vector> content) : content_(std::move(content)) {}

    asio::awaitable<weir::bytes> read(weir::reservation&, std::size_t max_bytes) override
    {
        const std::size_t size = std::min(max_bytes, content_->size() - position_);
        weir::bytes out;
        if (size != 0)
            out.append(weir::slice::adopt(std::span(*content_).subspan(position_, size), content_));
        position_ += size;
        largest = std::max(largest, size);
        co_return out;
    }
    std::string_view name() const noexcept override { return "lending"; }

    std::size_t largest = 0; ///< of what it gave

private:
    const std::shared_ptr<const test::byte_vector> content_;
    std::size_t position_ = 0;
};

template <class Call> weir::error failure_of(Call call)
{
    try {
        static_cast<void>(call());
    }
    catch (const weir::error& failure) {
        return failure;
    }
    FAIL("it did not fail");
    throw std::logic_error("unreachable");
}

asio::awaitable<test::byte_vector> digests_of(weir::engine& owner, std::unique_ptr<weir::source> input)
{
    weir::chunk_stream chunks(owner, std::move(input), {.chunker = weir::weir1(16 << 10)});
    test::byte_vector out;
    while (std::optional<weir::chunk> next = co_await chunks.next()) {
        CHECK(next->digest == weir::digest_of(weir::hash_algorithm::sha256, next->content.copy_out()));
        const test::byte_vector copy = next->content.copy_out();
        out.insert(out.end(), copy.begin(), copy.end());
    }
    co_return out;
}

} // namespace

TEST_CASE("coding source: what is encoded by one is decoded by another, in pieces of any size")
{
    bench b;
    std::mt19937_64 random = test::generator(8);
    for (const codec each : test::built_in_codecs())
        for (int round = 0; round < 4; ++round) {
            CAPTURE(weir::to_string(each));
            const test::byte_vector content = test::words(random() % 500'000, random());
            const test::script how
                = pieces_of([&] { return random() % 50'000; }, [&] { return random() % 3 == 0; });
            const weir::encoding_options fast{.codec = each, .settings = {.level = weir::codec_level::fastest}};
            auto encoding = std::make_unique<weir::encoding_source>(b.engine, from(content, how), fast);
            CHECK(encoding->name() == "scripted");
            weir::decoding_source both(b.engine, std::move(encoding), {.codec = each});
            CHECK(test::drain(b, both, 1 + random() % 100'000) == content);
        }
    CHECK(b.engine.pool().check());
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
}

TEST_CASE("coding source: as a part of a flow it is cut and digested like any other")
{
    bench b;
    const test::byte_vector content = test::words(3'000'000, 1);
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = test::encoded(each, content, {.level = weir::codec_level::fastest});
        const weir::decoding_options named{.codec = each};
        auto decoding = std::make_unique<weir::decoding_source>(b.engine, from(stream), named);
        CHECK(test::await(b.context, digests_of(b.engine, std::move(decoding))) == content);
    }
}

TEST_CASE("coding source: an engine whose memory is all taken by the flow has the input's blocks elsewhere")
{
    const test::byte_vector content = test::words(2'000'000, 2);
    const test::byte_vector stream = test::encoded(codec::identity, content);
    bench b(std::size_t{1} << 20);
    const std::size_t all = b.engine.pool().statistics().tiers.at(0).max_blocks;
    weir::reservation memory = b.engine.pool().try_reserve(all, b.engine.block_bytes()).value();
    weir::decoding_source source(b.engine, from(stream), {.codec = codec::identity});
    test::byte_vector out;
    test::run(b.context, test::read_into(out, source, memory, 1 << 20));
    CHECK(out == content);
    test::run(b.context, source.close());
}

TEST_CASE("decoding source: the codec is found by the first bytes, however few come at a time")
{
    bench b;
    const test::byte_vector content = test::words(10'000, 3);
    for (const codec each : test::built_in_codecs()) {
        if (each == codec::identity || each == codec::deflate || each == codec::lzma)
            continue;
        const test::byte_vector stream = test::encoded(each, content);
        weir::decoding_source source(b.engine, from(stream, pieces_of([] { return std::size_t{1}; })));
        CHECK(test::drain(b, source) == content);
    }
}

TEST_CASE("decoding source: what no codec begins like is refused, or passed on")
{
    bench b;
    for (const std::size_t size : {0, 3, 100'000}) {
        const test::byte_vector content = test::words(size, 4);
        weir::decoding_source strict(b.engine, from(content));
        const weir::error failure = failure_of([&] { return test::drain(b, strict); });
        CHECK(failure.code() == (size == 0 ? errc::truncated : errc::bad_format));
        CHECK(failure.subject() == "scripted");
        weir::decoding_source lenient(b.engine, from(content), {.pass_unknown = true});
        CHECK(test::drain(b, lenient) == content);
    }
}

TEST_CASE("decoding source: errors name the input and the place, and come again")
{
    bench b;
    if (!weir::is_built_in(codec::gzip))
        return;
    test::byte_vector stream = test::encoded(codec::gzip, test::words(100'000, 5));
    stream.resize(stream.size() / 2);
    weir::decoding_source source(b.engine, from(stream), {.codec = codec::gzip});
    weir::reservation memory = b.engine.pool().try_reserve(1, b.engine.block_bytes()).value();
    test::byte_vector out;
    for (int i = 0; i < 2; ++i) {
        const auto read = [&] { return test::run(b.context, test::read_into(out, source, memory, 1 << 20)), 0; };
        const weir::error failure = failure_of(read);
        CHECK(failure.code() == errc::truncated);
        CHECK(failure.subject() == "scripted");
        CHECK(failure.offset() == stream.size());
    }
    CHECK(out.size() > 1000); // what came before is good
    test::run(b.context, source.close());
}

TEST_CASE("decoding source: what is in front of a fault is given before it is told")
{
    const test::byte_vector content = test::words(300'000, 3);
    for (const codec each : test::built_in_codecs()) {
        if (each == codec::identity)
            continue;
        CAPTURE(weir::to_string(each));
        for (const std::size_t most : {1'000u, 50'000u, 1'000'000u}) {
            bench b;
            const test::byte_vector stream = test::joined({test::encoded(each, content), test::bytes_of("garbage behind")});
            weir::decoding_source source(b.engine, from(stream), {.codec = each});
            weir::reservation memory = b.engine.pool().try_reserve(1, b.engine.block_bytes()).value();
            test::byte_vector out;
            CHECK_THROWS_AS(test::await(b.context, test::read_into(out, source, memory, most)), const weir::error&);
            CHECK(out == content);
            test::run(b.context, source.close());
        }
    }
}

TEST_CASE("coding source: an error of the input comes out as it is")
{
    bench b;
    const test::byte_vector content = test::words(100'000, 6);
    for (const std::size_t place : {0, 1, 70'000}) {
        weir::encoding_source source(b.engine, from(content, failing_at(place)), {.codec = codec::identity});
        CHECK(failure_of([&] { return test::drain(b, source); }).code() == std::errc::io_error);
    }
}

TEST_CASE("decoding source: limits hold in a flow as they do without")
{
    bench b;
    const test::byte_vector stream = test::encoded(codec::identity, test::words(100'000, 7));
    weir::decoding_source source(b.engine, from(stream),
                                 {.codec = codec::identity, .settings = {.max_output_bytes = 99'999}});
    CHECK(failure_of([&] { return test::drain(b, source); }).code() == errc::limit_exceeded);
}

TEST_CASE("coding source: closed, it says so, and closes twice; its memory is back")
{
    bench b;
    int alive = 0;
    {
        const test::byte_vector content = test::words(300'000, 8);
        weir::encoding_source source(b.engine, from(content, {}, &alive), {.codec = codec::identity});
        weir::reservation memory = b.engine.pool().try_reserve(1, b.engine.block_bytes()).value();
        CHECK(!test::await(b.context, source.read(memory, 10)).empty());
        test::run(b.context, source.close());
        test::run(b.context, source.close());
        CHECK(failure_of([&] { return test::await(b.context, source.read(memory, 10)); }).code() == errc::closed);
        CHECK(memory.free_blocks() == 1);
    }
    CHECK(alive == 0);
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
}

TEST_CASE("coding source: cancelled at any step, it loses nothing")
{
    bench b;
    const test::byte_vector content = test::words(200'000, 9);
    const test::script how = pieces_of([] { return std::size_t{30'000}; }, [] { return true; });
    for (int steps = 0; steps < 40; ++steps) {
        CAPTURE(steps);
        weir::encoding_source source(b.engine, from(content, how), {.codec = codec::identity});
        weir::reservation memory = b.engine.pool().try_reserve(1, b.engine.block_bytes()).value();
        test::byte_vector out;
        {
            test::task<void> reading(b.context.get_executor(), test::read_into(out, source, memory, 20'000));
            b.context.restart();
            for (int i = 0; i < steps && !reading.done() && b.context.run_one() != 0; ++i)
                ;
            reading.cancel();
            b.context.restart();
            b.context.run();
            CHECK(reading.done());
        }
        if (out.size() < content.size())
            test::run(b.context, test::read_into(out, source, memory, 20'000));
        CHECK(out == content);
        test::run(b.context, source.close());
        CHECK(memory.free_blocks() == 1);
    }
}

TEST_CASE("coding source: its reader's context may end in the middle of a turn")
{
    const test::byte_vector content = test::words(1'000'000, 10);
    for (int steps = 0; steps < 10; ++steps) {
        auto workers = std::make_shared<weir::worker_pool>(weir::worker_options{.threads = 1});
        auto context = std::make_unique<asio::io_context>();
        weir::engine engine(context->get_executor(), weir::make_engine_pool(of_memory(16 << 20)), workers);
        const weir::encoding_options copy{.codec = codec::identity};
        auto source = std::make_unique<weir::encoding_source>(engine, from(content), copy);
        auto memory = std::make_unique<weir::reservation>(engine.pool().try_reserve(1, engine.block_bytes()).value());
        test::byte_vector out;
        asio::co_spawn(*context, test::read_into(out, *source, *memory, 1 << 20), [](const std::exception_ptr&) {});
        for (int i = 0; i <= steps; ++i)
            context->poll_one();
        context.reset();
        source.reset();
        memory.reset();
        CHECK(engine.pool().check());
    }
}

TEST_CASE("coding source: threads of the library are refused by name: it works on the engine's")
{
    bench b;
    const test::byte_vector content;
    for (const codec each : test::built_in_codecs()) {
        const weir::encoding_options threads{.codec = each, .settings = {.threads = 2}};
        const weir::error failure
            = failure_of([&] { return weir::encoding_source(b.engine, from(content), threads).name().size(); });
        CHECK(failure.code() == errc::bad_configuration);
        CHECK(failure.subject() == "threads");
    }
}

TEST_CASE("decoding source: past the end, or an error, it keeps nothing of what it has read")
{
    if (!weir::is_built_in(codec::gzip))
        return;
    bench b;
    const test::byte_vector member = test::encoded(codec::gzip, test::bytes_of("content"));
    const auto content
        = std::make_shared<const test::byte_vector>(test::joined({member, test::words(500'000, 11)}));
    for (const bool concatenated : {false, true}) {
        weir::decoding_source source(b.engine, std::make_unique<lending_source>(content),
                                     {.codec = codec::gzip, .settings = {.concatenated = concatenated}});
        weir::reservation memory = b.engine.pool().try_reserve(1, b.engine.block_bytes()).value();
        test::byte_vector out;
        const auto read = [&] { return test::run(b.context, test::read_into(out, source, memory, 1 << 20)), 0; };
        if (concatenated) {
            CHECK(failure_of(read).code() == errc::trailing_data);
        } else {
            read();
            CHECK(out == test::bytes_of("content"));
        }
        CHECK(content.use_count() == 2); // the source's and ours
        test::run(b.context, source.close());
    }
}

TEST_CASE("decoding source: a dictionary is for zstd, whatever is found")
{
    bench b;
    const weir::dictionary content(test::words(4000, 12));
    for (const codec each : {codec::zstd, codec::gzip, codec::xz}) {
        if (!weir::is_built_in(each))
            continue;
        const weir::dictionary with = each == codec::zstd ? content : weir::dictionary();
        const test::byte_vector stream = test::encoded(each, content.content(), {.dictionary = with});
        weir::decoding_source source(b.engine, from(stream), {.settings = {.dictionary = content}});
        CHECK(std::ranges::equal(test::drain(b, source), content.content()));
    }
}

TEST_CASE("decoding source: what stops the codec that was found names the input")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    bench b;
    const weir::dictionary corrupt(test::bytes_of(std::string_view("\x37\xa4\x30\xec\x01\0\0\0 and no tables", 22)));
    const test::byte_vector stream = test::encoded(codec::zstd, test::bytes_of("content"));
    weir::decoding_source source(b.engine, from(stream), {.settings = {.dictionary = corrupt}});
    const weir::error failure = failure_of([&] { return test::drain(b, source); });
    CHECK(failure.code() == errc::bad_configuration);
    CHECK(failure.subject() == "scripted");
    CHECK(failure.offset() == 0);
}

TEST_CASE("coding source: it reads pieces of the size that is asked for")
{
    bench b;
    const auto content = std::make_shared<const test::byte_vector>(test::words(600'000, 13));
    for (const std::size_t size : {std::size_t{4} << 10, std::size_t{512} << 10}) {
        auto input = std::make_unique<lending_source>(content);
        const std::size_t& largest = input->largest;
        weir::encoding_source source(b.engine, std::move(input), {.codec = codec::identity, .buffer_bytes = size});
        CHECK(test::drain(b, source) == *content);
        CHECK(largest == size);
    }
}
