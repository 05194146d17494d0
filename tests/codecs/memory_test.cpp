// Memory: what the libraries take is what was said before, goes back whatever happens, and is not taken again.

#include "coding.hpp"

#include <weir/counting_resource.hpp>

#include <doctest/doctest.h>

using weir::codec;

TEST_CASE("memory: a second stream through the same context allocates nothing")
{
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        weir::counting_resource memory;
        weir::codec_pool pool({.memory = &memory});
        weir::encoder out(each, {}, pool);
        weir::decoder in(each, {}, pool);
        const test::byte_vector content = test::words(300'000, 1);
        std::uint64_t after_first = 0;
        for (int round = 0; round < 3; ++round) {
            const test::byte_vector stream = test::run(out, content, {[] { return std::size_t{10'000}; }});
            CHECK(test::run(in, stream, {[] { return std::size_t{10'000}; }}) == content);
            out.restart();
            in.restart();
            if (round == 0)
                after_first = memory.total_count();
        }
        // liblzma allocates the options of a block's filters, and frees them, with each block and each encoder.
        const std::uint64_t allowed = each == codec::xz || each == codec::lzma ? 16 : 0;
        CHECK(memory.total_count() - after_first <= allowed);
    }
}

TEST_CASE("memory: an encoder takes no more than was said, and not much less")
{
    const test::byte_vector content = test::words(400'000, 2);
    for (const codec each : test::built_in_codecs())
        for (const weir::codec_level level : {weir::codec_level(weir::codec_level::fastest),
                                              weir::codec_level(weir::codec_level::standard)}) {
            CAPTURE(weir::to_string(each));
            weir::counting_resource memory;
            weir::codec_pool pool({.memory = &memory});
            const weir::encoder_settings settings{.level = level};
            {
                weir::encoder out(each, settings, pool);
                test::run(out, content, {[] { return std::size_t{100'000}; }});
            }
            const std::size_t said = weir::encoder_memory(each, settings);
            CHECK(memory.peak_bytes() <= said + 4096);
            CHECK(memory.peak_bytes() * 2 >= said);
            CHECK(pool.statistics().idle_bytes <= memory.current_bytes());
        }
}

TEST_CASE("memory: threads are counted")
{
    const test::byte_vector content = test::words(std::size_t{9} << 20, 3);
    for (const codec each : {codec::zstd, codec::xz}) {
        if (!weir::is_built_in(each))
            continue;
        CAPTURE(weir::to_string(each));
        weir::counting_resource memory;
        weir::codec_pool pool({.memory = &memory});
        const weir::encoder_settings settings{.level = weir::codec_level::fastest, .threads = 2};
        weir::encoder out(each, settings, pool);
        test::run(out, content, {[] { return std::size_t{100'000}; }});
        CHECK(memory.peak_bytes() <= weir::encoder_memory(each, settings));
    }
}

TEST_CASE("memory: a decoder takes no more than was said")
{
    const test::byte_vector content = test::words(400'000, 4);
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = test::encoded(each, content, {}, {[] { return std::size_t{100'000}; }});
        weir::counting_resource memory;
        weir::codec_pool pool({.memory = &memory});
        const weir::decoder_settings settings{.max_memory_bytes = 10 << 20};
        weir::decoder in(each, settings, pool);
        CHECK(test::run(in, stream, {[] { return std::size_t{10'000}; }}).size() == content.size());
        CHECK(memory.peak_bytes() <= weir::decoder_memory(each, settings) + 4096);
    }
}

TEST_CASE("memory: all of it goes back, after every end and every error")
{
    const test::byte_vector content = test::words(20'000, 5);
    weir::counting_resource memory;
    {
        weir::codec_pool pool({.memory = &memory});
        for (const codec each : test::built_in_codecs()) {
            const test::byte_vector stream = test::encoded(each, content);
            std::vector<test::byte_vector> inputs = {stream, {}, test::bytes_of("another kind of data"),
                                                     test::joined({stream, test::bytes_of("tail")})};
            for (const std::size_t place : {std::size_t{1}, std::size_t{5}, stream.size() / 2, stream.size() - 3}) {
                inputs.push_back(stream);
                inputs.back()[place] ^= std::byte{0x55};
                inputs.emplace_back(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(place));
            }
            for (const test::byte_vector& input : inputs)
                for (const std::uint64_t limit : {weir::unlimited, std::uint64_t{10'000}}) {
                    weir::decoder in(each, {.max_output_bytes = limit}, pool);
                    try {
                        static_cast<void>(test::run(in, input));
                    }
                    catch (const weir::error&) {
                    }
                }
        }
        CHECK(memory.total_count() > 0);
    }
    CHECK(memory.leak_report() == "");
}

TEST_CASE("memory: where there is none left, a stream fails by bad_alloc, and all of it goes back")
{
    const test::byte_vector content = test::words(2'000'000, 6);
    for (const codec each : test::built_in_codecs()) {
        if (each == codec::identity)
            continue;
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = test::encoded(each, content);
        for (const std::size_t limit : {std::size_t{0}, std::size_t{1} << 10, std::size_t{20} << 10}) {
            weir::counting_resource memory(limit);
            {
                weir::codec_pool pool({.memory = &memory});
                const auto encode = [&] {
                    weir::encoder out(each, {}, pool);
                    test::run(out, content);
                };
                const auto decode = [&] {
                    weir::decoder in(each, {}, pool);
                    test::run(in, stream);
                };
                CHECK_THROWS_AS(encode(), const std::bad_alloc&);
                CHECK_THROWS_AS(decode(), const std::bad_alloc&);
            }
            CHECK(memory.leak_report() == "");
        }
    }
}

TEST_CASE("memory: a bomb stops flat")
{
    constexpr std::size_t mib = std::size_t{1} << 20;
    const test::byte_vector zeros(mib);
    for (const codec each : test::built_in_codecs()) {
        if (each == codec::identity)
            continue;
        CAPTURE(weir::to_string(each));
        weir::encoder out(each, {.level = weir::codec_level::fastest});
        test::byte_vector bomb(2 * mib);
        std::size_t size = 0;
        for (int i = 0; i < 90; ++i) {
            out.push(zeros);
            while (const std::size_t count = out.pull(std::span(bomb).subspan(size)))
                size += count;
        }
        out.finish();
        while (const std::size_t count = out.pull(std::span(bomb).subspan(size)))
            size += count;

        weir::counting_resource memory;
        weir::codec_pool pool({.memory = &memory});
        // lz4 cannot pass 255 to 1: there only the size stops it.
        weir::decoder in(each, {.max_output_bytes = 75 * mib}, pool);
        in.push(std::span(bomb).first(size));
        in.finish();
        test::byte_vector room(256 << 10);
        const auto drain = [&] {
            while (in.pull(room) != 0)
                ;
        };
        CHECK_THROWS_AS(drain(), const weir::error&);
        CHECK(in.produced() <= 75 * mib);
        CHECK(memory.peak_bytes() <= 10 * mib);

        weir::decoder open(each, {.max_output_bytes = weir::unlimited, .max_ratio = 0}, pool);
        open.push(std::span(bomb).first(size));
        open.finish();
        while (open.pull(room) != 0)
            ;
        CHECK(open.ended());
        CHECK(open.produced() == 90 * mib);
        CHECK(memory.peak_bytes() <= 20 * mib);
    }
}
