#include <weir/chunk_compressor.hpp>

#include "packing.hpp"

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <limits>

using test::bench;
using weir::codec;
using weir::errc;

namespace {

std::size_t pick_size(std::mt19937_64& random)
{
    constexpr std::size_t sizes[] = {1, 511, 4095, 4096, 4097, 16'000, 65'536, 131'072, 131'073, 300'000};
    return sizes[random() % std::size(sizes)];
}

test::byte_vector pick_content(std::mt19937_64& random)
{
    const std::size_t size = pick_size(random);
    if (random() % 3 == 0)
        return test::random_bytes(size, random());
    test::byte_vector out = test::words(size, random());
    if (random() % 3 == 0) { // a part that does not compress
        const test::byte_vector noise = test::random_bytes(size - size / 8, random());
        std::ranges::copy(noise, out.begin());
    }
    return out;
}

} // namespace

TEST_CASE("chunk compressor: what is packed unpacks to the chunk, whatever codec, size and slices")
{
    std::mt19937_64 random = test::generator(20);
    bench b;
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        weir::chunk_compressor compressor(b.engine, {.codec = each,
                                                     .settings = {.level = weir::codec_level::fastest},
                                                     .threshold_bytes = 500});
        std::vector<test::byte_vector> contents;
        std::vector<weir::chunk> chunks;
        for (int i = 0; i < 40; ++i) {
            contents.push_back(pick_content(random));
            chunks.push_back(test::chunk_of(contents.back(), 1 + random() % 100'000));
            chunks.back().offset = random();
        }
        const test::packed_list got = test::packed(b, compressor, chunks);
        REQUIRE(got.size() == chunks.size());
        for (std::size_t i = 0; i < got.size(); ++i) {
            CAPTURE(contents[i].size());
            CHECK(got[i].digest == chunks[i].digest);
            CHECK(got[i].offset == chunks[i].offset);
            CHECK(got[i].size == contents[i].size());
            const std::size_t saving = got[i].codec == codec::identity ? 0 : contents[i].size() / 16;
            CHECK(got[i].content.size() <= contents[i].size() - saving);
            CHECK(test::unpacked(got[i]) == contents[i]);
        }
    }
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
}

TEST_CASE("chunk compressor: order and content do not depend on the number of workers")
{
    std::vector<weir::chunk> chunks;
    std::mt19937_64 random = test::generator(21);
    for (int i = 0; i < 60; ++i)
        chunks.push_back(test::chunk_of(pick_content(random), 50'000));
    test::packed_list expected;
    for (const std::size_t threads : {1, 2, 5}) {
        boost::asio::io_context context;
        weir::engine engine(context.get_executor(), {.memory_bytes = 16 << 20, .workers = {.threads = threads}});
        weir::chunk_compressor compressor(engine, {.codec = test::some_codec()});
        test::packed_list got;
        test::await(context, test::pack_into(got, compressor, chunks));
        REQUIRE(got.size() == chunks.size());
        if (expected.empty())
            expected = std::move(got);
        else
            for (std::size_t i = 0; i < got.size(); ++i) {
                CHECK(got[i].digest == expected[i].digest);
                CHECK(got[i].codec == expected[i].codec);
                CHECK(got[i].content.copy_out() == expected[i].content.copy_out());
            }
    }
}

TEST_CASE("chunk compressor: what stays as it was is the same memory, and the chunk is left as it is")
{
    bench b;
    weir::chunk_compressor compressor(b.engine, {.codec = test::some_codec()});
    const weir::chunk chunks[] = {test::chunk_of(test::random_bytes(100'000, 1), 30'000),
                                  test::chunk_of(test::words(4095, 1))};
    const test::packed_list got = test::packed(b, compressor, chunks);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(got[i].codec == codec::identity);
        REQUIRE(got[i].content.slice_count() == chunks[i].content.slice_count());
        for (std::size_t j = 0; j < got[i].content.slice_count(); ++j)
            CHECK(got[i].content.slices()[j].data() == chunks[i].content.slices()[j].data());
    }
}

TEST_CASE("chunk compressor: the threshold is the least size that is compressed")
{
    bench b;
    const codec which = test::some_codec();
    const auto codec_of = [&](std::size_t threshold, std::size_t size) {
        weir::chunk_compressor compressor(b.engine, {.codec = which, .threshold_bytes = threshold});
        const weir::chunk one = test::chunk_of(test::words(size, 1));
        return test::packed(b, compressor, {&one, 1}).front().codec;
    };
    CHECK(codec_of(4096, 4095) == codec::identity);
    CHECK(codec_of(4096, 4096) == which);
    CHECK(codec_of(1000, 999) == codec::identity);
    CHECK(codec_of(1000, 1000) == which);
    CHECK(codec_of(0, 600) == which);
}

TEST_CASE("chunk compressor: an empty chunk stays empty, and no chunks give none")
{
    bench b;
    weir::chunk_compressor compressor(b.engine, {.codec = test::some_codec(), .threshold_bytes = 0});
    const weir::chunk empty;
    const test::packed_list got = test::packed(b, compressor, {&empty, 1});
    CHECK(got.front().size == 0);
    CHECK(test::unpacked(got.front()).empty());
    CHECK(test::await(b.context, compressor.pack({})).size() == 0);
}

TEST_CASE("chunk compressor: statistics say what became of the chunks, and why")
{
    bench b;
    const codec which = test::some_codec();
    weir::chunk_compressor compressor(b.engine, {.codec = which, .least_saving = 0.5});
    test::byte_vector half = test::words(100'000, 2);
    std::ranges::copy(test::random_bytes(80'000, 2), half.begin()); // the sample sees the words, and has it tried
    const weir::chunk chunks[] = {test::chunk_of(test::words(50'000, 1)), test::chunk_of(test::words(100, 1)),
                                  test::chunk_of(test::random_bytes(60'000, 1)), test::chunk_of(half)};
    const test::packed_list got = test::packed(b, compressor, chunks);
    const weir::chunk_compression_statistics seen = compressor.statistics();
    CHECK(seen.in.chunks == 4);
    CHECK(seen.in.bytes == 210'100);
    CHECK(seen.compressed.chunks == 1);
    CHECK(seen.compressed.bytes == 50'000);
    CHECK(seen.below_threshold.bytes == 100);
    CHECK(seen.by_sample.bytes == 60'000);
    CHECK(seen.by_trial.bytes == 100'000);
    CHECK(seen.bytes_out == 160'100 + got[0].content.size());
    CHECK(got[0].codec == which);
    CHECK(got[3].codec == codec::identity);
}

TEST_CASE("chunk compressor: a sample finds what compresses in any quarter of a chunk")
{
    bench b;
    weir::chunk_compressor compressor(b.engine, {.codec = test::some_codec()});
    std::vector<weir::chunk> chunks;
    for (const std::size_t size : {8'000, 64'000, 500'000})
        for (std::size_t quarter = 0; quarter < 4; ++quarter) {
            test::byte_vector content = test::random_bytes(size, size);
            std::ranges::copy(test::words(size / 4, 1), content.begin() + static_cast<long>(quarter * size / 4));
            chunks.push_back(test::chunk_of(content));
        }
    static_cast<void>(test::packed(b, compressor, chunks));
    CHECK(compressor.statistics().by_sample.chunks == 0);
}

TEST_CASE("chunk compressor: what becomes of a chunk does not depend on how it is cut into slices")
{
    bench b;
    const auto mixed = [](std::size_t size, std::size_t noise) {
        test::byte_vector content = test::words(size, 7);
        std::ranges::copy(test::random_bytes(noise, 7), content.begin());
        return content;
    };
    for (const std::size_t size : {600, 8'000, 40'000})
        for (const std::size_t noise : {std::size_t{0}, size / 2, size - size / 8, size}) {
            CAPTURE(size);
            CAPTURE(noise);
            const test::byte_vector content = mixed(size, noise);
            weir::chunk_compressor compressor(b.engine, {.codec = test::some_codec(), .threshold_bytes = 500});
            const weir::chunk chunks[] = {test::chunk_of(content), test::chunk_of(content, 1),
                                          test::chunk_of(content, 3), test::chunk_of(content, 50)};
            const test::packed_list got = test::packed(b, compressor, chunks);
            for (const weir::packed_chunk& each : got) {
                CHECK(each.codec == got.front().codec);
                CHECK(each.content.size() == got.front().content.size());
            }
            const weir::chunk_compression_statistics seen = compressor.statistics();
            for (const weir::chunk_tally& each : {seen.compressed, seen.by_sample, seen.by_trial})
                CHECK(each.chunks % 4 == 0);
        }
}

TEST_CASE("chunk compressor: bytes that no code can shorten are found to repeat")
{
    bench b;
    const codec which = test::some_codec();
    weir::chunk_compressor compressor(b.engine, {.codec = which});
    const test::byte_vector pattern = test::random_bytes(256, 3);
    test::byte_vector content;
    while (content.size() < 64'000)
        content.insert(content.end(), pattern.begin(), pattern.end());
    const weir::chunk one = test::chunk_of(content);
    CHECK(test::packed(b, compressor, {&one, 1}).front().codec == which);
}

TEST_CASE("chunk compressor: identity leaves all as it is, and takes no memory")
{
    bench b;
    weir::chunk_compressor compressor(b.engine, {.codec = codec::identity});
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
    const weir::chunk one = test::chunk_of(test::words(50'000, 1));
    CHECK(test::packed(b, compressor, {&one, 1}).front().codec == codec::identity);
}

TEST_CASE("chunk compressor: options that cannot be are refused by name")
{
    bench b;
    const auto refusal = [&](const weir::chunk_compression_options& options) {
        return test::code_of([&] { weir::chunk_compressor(b.engine, options); });
    };
    CHECK(refusal({.settings = {.threads = 2}}) == errc::bad_configuration);
    CHECK(refusal({.settings = {.level = 1000}}) == errc::bad_configuration);
    CHECK(refusal({.least_saving = 1}) == errc::bad_configuration);
    CHECK(refusal({.least_saving = -0.1}) == errc::bad_configuration);
    CHECK(refusal({.batch_bytes = 0}) == errc::bad_configuration);
    CHECK(refusal({.batch_bytes = std::numeric_limits<std::size_t>::max()}) == errc::bad_configuration);
    CHECK(weir::compression_blocks(b.engine, {.batch_bytes = std::numeric_limits<std::size_t>::max()})
          > std::numeric_limits<std::size_t>::max() / b.engine.block_bytes());
    CHECK(refusal({.batch_bytes = std::size_t{16} << 20}) == errc::pool_too_small); // and four blocks
    CHECK(refusal({.batch_bytes = (std::size_t{16} << 20) - (std::size_t{256} << 10)}) == std::error_code());
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
}

TEST_CASE("chunk compressor: a chunk above the size of a batch is refused, after those before it")
{
    bench b;
    weir::chunk_compressor compressor(b.engine, {.codec = test::some_codec(), .batch_bytes = 100'000});
    const weir::chunk chunks[] = {test::chunk_of(test::words(100'000, 1)), test::chunk_of(test::words(100'001, 1))};
    test::packed_list got;
    const auto pack = [&] { test::await(b.context, test::pack_into(got, compressor, chunks)); };
    CHECK(test::code_of(pack) == errc::invalid_size);
    CHECK(got.size() == 1);
}

TEST_CASE("unpack: content of another size than is said is a mismatch, and another codec's is refused")
{
    bench b;
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        weir::chunk_compressor compressor(b.engine, {.codec = each});
        const weir::chunk one = test::chunk_of(test::words(20'000, 1));
        const weir::packed_chunk good = test::packed(b, compressor, {&one, 1}).front();
        for (const std::size_t wrong : {std::size_t{0}, std::size_t{19'999}, std::size_t{20'001}}) {
            weir::packed_chunk other = good;
            other.size = wrong;
            CHECK(test::code_of([&] { test::unpacked(other); }) == errc::mismatch);
        }
        weir::packed_chunk other = good;
        other.codec = each == codec::gzip ? codec::xz : codec::gzip;
        if (weir::is_built_in(other.codec))
            CHECK(test::code_of([&] { test::unpacked(other); }) == errc::bad_format);
        if (each == codec::identity)
            continue;
        other = good;
        other.content = good.content.subrange(0, good.content.size() / 2);
        CHECK(test::code_of([&] { test::unpacked(other); }) == errc::truncated);
    }
}
