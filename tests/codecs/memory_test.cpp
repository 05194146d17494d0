// Memory: what the libraries take is what was said before, goes back whatever happens, and is not taken again.

#include "coding.hpp"

#include "support/sanitized.hpp"

#include <weir/counting_resource.hpp>
#include <weir/dictionary.hpp>

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

TEST_CASE("memory: all of it goes back where a limit ends a stream")
{
    const test::byte_vector zeros(1'000'000);
    const weir::decoder_settings passed[] = {{.max_output_bytes = 1000},
                                             {.max_ratio = 2, .ratio_free_bytes = 1000},
                                             {.max_memory_bytes = 1}};
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = test::encoded(each, zeros);
        const bool takes_what_it_is_told = each == codec::zstd || each == codec::lz4 || each == codec::xz || each == codec::lzma;
        const bool fails[] = {true, each != codec::identity, takes_what_it_is_told};
        for (std::size_t i = 0; i < std::size(passed); ++i) {
            CAPTURE(i);
            for (const std::size_t piece : {std::string::npos, std::size_t{7}}) {
                weir::counting_resource memory;
                {
                    weir::codec_pool pool({.memory = &memory});
                    const std::error_code outcome = test::code_of([&] {
                        weir::decoder in(each, passed[i], pool);
                        return test::run(in, stream, {[piece] { return piece; }});
                    });
                    CHECK(outcome == (fails[i] ? make_error_code(weir::errc::limit_exceeded) : std::error_code()));
                    CHECK((memory.total_count() != 0 || each == codec::identity));
                }
                CHECK(memory.leak_report() == "");
            }
        }
    }
}

TEST_CASE("memory: all of it goes back where a dictionary is missing, another one, or broken")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    const auto trained = [](std::uint64_t seed) {
        std::vector<test::byte_vector> samples;
        for (std::uint64_t i = 0; i < 300; ++i)
            samples.push_back(test::words(300, seed + i));
        const std::vector<test::byte_span> spans(samples.begin(), samples.end());
        return weir::train_dictionary(spans, 4096);
    };
    const weir::dictionary right = trained(1);
    const weir::dictionary wrong = trained(1000);
    REQUIRE(right.id() != wrong.id());
    test::byte_vector broken(right.content().begin(), right.content().begin() + 40);
    std::ranges::fill(std::span(broken).subspan(8), std::byte{0xff});
    const test::byte_vector content = test::words(5'000, 8);
    const test::byte_vector stream = test::encoded(codec::zstd, content, {.dictionary = right});
    struct {
        weir::dictionary given;
        std::error_code expected;
    } const cases[] = {
        {right, {}},
        {{}, weir::errc::unknown_dictionary},
        {wrong, weir::errc::unknown_dictionary},
        {weir::dictionary(broken), weir::errc::bad_configuration}};
    for (const auto& each : cases) {
        weir::counting_resource memory;
        {
            weir::codec_pool pool({.memory = &memory});
            CHECK(test::code_of([&] {
                weir::decoder in(codec::zstd, {.dictionary = each.given}, pool);
                return test::run(in, stream);
            }) == each.expected);
            CHECK(test::code_of([&] {
                weir::encoder out(codec::zstd, {.dictionary = each.given}, pool);
                return test::run(out, content);
            }) == (each.expected == weir::errc::bad_configuration ? each.expected : std::error_code()));
            CHECK(memory.total_count() != 0);
        }
        CHECK(memory.leak_report() == "");
    }
}

TEST_CASE("memory: where there is none left, a stream fails by bad_alloc, and all of it goes back")
{
    const test::byte_vector content = test::words(300'000, 6);
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
        constexpr std::size_t all = test::is_sanitized ? 30 : 90;
        for (std::size_t i = 0; i < all; ++i) {
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
        constexpr std::size_t most = all - 15; // past what is free of the ratio by default
        const std::uint64_t free_of_ratio =
            test::is_sanitized ? 5 * mib : weir::decoder_settings().ratio_free_bytes;
        weir::decoder in(each, {.max_output_bytes = most * mib, .ratio_free_bytes = free_of_ratio}, pool);
        in.push(std::span(bomb).first(size));
        in.finish();
        test::byte_vector room(256 << 10);
        const auto drain = [&] {
            while (in.pull(room) != 0)
                ;
        };
        CHECK_THROWS_AS(drain(), const weir::error&);
        CHECK(in.produced() <= most * mib);
        CHECK(memory.peak_bytes() <= 10 * mib);

        weir::decoder open(each, {.max_output_bytes = weir::unlimited, .max_ratio = 0}, pool);
        open.push(std::span(bomb).first(size));
        open.finish();
        while (open.pull(room) != 0)
            ;
        CHECK(open.ended());
        CHECK(open.produced() == all * mib);
        CHECK(memory.peak_bytes() <= 20 * mib);
    }
}
