#include <weir/configuration.hpp>

#include <weir/buffer_pool.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>
#include <weir/ingest.hpp>

#include "support/seed.hpp"
#include "support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {
using namespace weir::literals;

/// What a text is refused with; fails if it is accepted.
std::string refusal_of(std::string_view text)
{
    try {
        (void)weir::parse_configuration(text, "weir.toml");
    }
    catch (const weir::error& failure) {
        CHECK(failure.code() == weir::errc::bad_configuration);
        return failure.what();
    }
    FAIL_CHECK("accepted: " << text);
    return {};
}

/// Whether every part stands in the refusal of `text`.
void check_refusal(std::string_view text, std::initializer_list<std::string_view> parts)
{
    const std::string what = refusal_of(text);
    CAPTURE(what);
    for (const std::string_view part : parts) {
        CAPTURE(part);
        CHECK(what.find(part) != std::string::npos);
    }
}

TEST_CASE("configuration: an empty file gives the defaults, which are the documented ones")
{
    const weir::configuration values = weir::parse_configuration("", "weir.toml");
    CHECK(values == weir::configuration());
    CHECK(values.chunking.sizes.average_for(1_MiB - 1) == 256_KiB);
    CHECK(values.chunking.sizes.average_for(1_MiB) == 1_MiB);
    CHECK(values.chunking.sizes.average_for(100_MiB) == 512_KiB);
    CHECK(values.chunking.sizes.average_for(1_GiB) == 2_MiB);
    CHECK(values.chunking.algorithm == weir::chunk_algorithm::weir1);
    CHECK(values.performance.worker_stack_size == 8_MiB);
    CHECK(values.performance.memory_map_threshold == 0);
    CHECK(values.limits.small_buffers == 1024);
    CHECK(values.limits.medium_buffers == 128);
    CHECK(values.limits.mapped_regions == 16);
    CHECK(values.limits.pool_bytes == 192_MiB);
    CHECK_NOTHROW(weir::check(values));
}

TEST_CASE("configuration: values are read, sizes as numbers or texts, the rest stays")
{
    const weir::configuration values = weir::parse_configuration(R"(
        [chunking]
        algorithm = "fastcdc2020"
        average = "16kb"
        minimum = 4096
        normalization = 3
        [performance]
        async_io = false
        backend = "mmap"
        max_worker_threads = 3
        [limits]
        small_buffers = 7)",
                                                                 "weir.toml");
    weir::configuration expected;
    expected.chunking.algorithm = weir::chunk_algorithm::fastcdc2020;
    expected.chunking.average = 16_KiB;
    expected.chunking.minimum = 4_KiB;
    expected.chunking.normalization = 3;
    expected.performance.async_io = false;
    expected.performance.backend = weir::backend::mmap;
    expected.performance.max_worker_threads = 3;
    expected.limits.small_buffers = 7;
    CHECK(values == expected);
}

TEST_CASE("configuration: what is no TOML is refused with file and line")
{
    check_refusal("[chunking]\naverage = = 3\n", {"weir.toml:2"});
    check_refusal("[chunking\n", {"weir.toml:1"});
    check_refusal("[chunking]\naverage = 4096\naverage = 4096\n", {"weir.toml:3"});
}

TEST_CASE("configuration: unknown keys and sections are refused with line and what is allowed")
{
    check_refusal("[chunking]\n\navrage = 3\n",
                  {"weir.toml:3", "chunking.avrage", "average", "normalization", "huge_file_threshold"});
    check_refusal("[performance]\nthreads = 3\n", {"weir.toml:2", "performance.threads", "max_worker_threads"});
    check_refusal("[caches]\nsize = 3\n", {"weir.toml:1", "section caches", "[chunking]", "[limits]"});
    check_refusal("average = 3\n", {"weir.toml:1", "key average", "[performance]"});
    check_refusal("chunking = 3\n", {"weir.toml:1", "chunking is a section"});
    check_refusal("[[chunking]]\naverage = 3\n", {"weir.toml:1", "chunking is a section"});
}

TEST_CASE("configuration: impossible values are refused with line, key and the values allowed")
{
    check_refusal("[chunking]\nminimum = 63\n", {"weir.toml:2", "chunking.minimum", "64 B to 1 MiB"});
    check_refusal("[chunking]\nmaximum = \"17M\"\n", {"weir.toml:2", "chunking.maximum", "1 KiB to 16 MiB"});
    check_refusal("[chunking]\naverage = -1\n", {"weir.toml:2", "chunking.average cannot be -1"});
    check_refusal("[chunking]\naverage = 1.5\n", {"weir.toml:2", "chunking.average"});
    check_refusal("[chunking]\naverage = \"big\"\n", {"weir.toml:2", "chunking.average cannot be \"big\"", "64 B to 16 MiB"});
    check_refusal("[chunking]\nalgorithm = \"rabin\"\n", {"weir.toml:2", "weir1, fastcdc2020, fixed"});
    check_refusal("[chunking]\nnormalization = 4\n", {"weir.toml:2", "auto, 0, 1, 2, 3"});
    check_refusal("[performance]\nbackend = \"aio\"\n", {"weir.toml:2", "auto, uring, threads, mmap"});
    check_refusal("[performance]\nasync_io = 1\n", {"weir.toml:2", "true or false"});
    check_refusal("[performance]\nmax_worker_threads = 2000\n", {"weir.toml:2", "1 to 1024"});
    check_refusal("[performance]\nmax_worker_threads = \"2\"\n", {"weir.toml:2", "1 to 1024"});
    check_refusal("[performance]\nbuffer_size = \"100K\"\n",
                  {"weir.toml:2", "performance.buffer_size", "powers of two"});
    check_refusal("[limits]\nsmall_buffers = 0\n", {"weir.toml:2", "limits.small_buffers"});
}

TEST_CASE("configuration: values that contradict each other are refused with the line of one of them")
{
    check_refusal("[chunking]\naverage = \"64K\"\nminimum = \"128K\"\n",
                  {"weir.toml:3", "chunking.minimum", "chunking.average, 64 KiB"});
    check_refusal("[chunking]\naverage = \"64K\"\nmaximum = \"32K\"\n", {"weir.toml:3", "chunking.maximum", "64 KiB"});
    check_refusal("[chunking]\nmaximum = \"300K\"\n", {"weir.toml:2", "chunking.maximum", "medium_file_chunk_size"});
    check_refusal("[chunking]\nsmall_file_threshold = \"200M\"\n",
                  {"weir.toml:2", "medium_file_threshold", "above chunking.small_file_threshold, 200 MiB"});
    check_refusal("[chunking]\naverage = \"8M\"\n", {"weir.toml:2", "chunking.average", "allowed are 256 B to 4 MiB, for"});
    check_refusal("[chunking]\naverage = 128\n", {"weir.toml:2", "chunking.average", "allowed are 256 B to 4 MiB, for"});
    check_refusal("[limits]\nmedium_buffer_size = \"64K\"\n", {"weir.toml:2", "limits.medium_buffer_size"});
    check_refusal("[limits]\npool_bytes = \"1M\"\nmedium_buffer_size = \"2M\"\n", {"weir.toml:2", "limits.pool_bytes"});
    check_refusal("[performance]\nbackend = \"uring\"\nasync_io = false\n", {"weir.toml:2", "performance.backend"});
}

TEST_CASE("configuration: fixed chunks may be as large as 16 MiB, and have no other sizes")
{
    const std::string fixed = "[chunking]\nalgorithm = \"fixed\"\n";
    check_refusal(fixed + "minimum = 4096\n", {"weir.toml:3", "chunking.minimum", "allowed is 0"});
    check_refusal(fixed + "maximum = 4096\n", {"weir.toml:3", "chunking.maximum", "allowed is 0"});
    check_refusal(fixed + "normalization = 1\n", {"weir.toml:3", "chunking.normalization", "allowed is auto"});
    const auto values =
        weir::parse_configuration("[chunking]\nalgorithm = \"fixed\"\naverage = \"16M\"\n", "weir.toml");
    CHECK(values.chunking.average == 16_MiB);
}

TEST_CASE("configuration: what a program has set is checked alike")
{
    weir::configuration values;
    values.performance.worker_stack_size = 1;
    CHECK_THROWS_AS(weir::check(values), weir::error);
    values = {};
    values.chunking.minimum = 5_MiB;
    CHECK_THROWS_AS(weir::check(values), weir::error);
}

TEST_CASE("configuration: the commented file has every key with its default, and reads back the same")
{
    weir::configuration values;
    const std::string text = weir::to_commented_toml(values);
    CHECK(weir::parse_configuration(text, "weir.toml") == values);
    CHECK(text.find("small_file_chunk_size = \"256 KiB\"\n") != std::string::npos);
    CHECK(text.find("# default 1024; allowed: 1 to 1000000\nsmall_buffers = 1024\n") != std::string::npos);

    auto random = test::generator();
    for (int round = 0; round < 200; ++round) {
        values.chunking.algorithm = static_cast<weir::chunk_algorithm>(random() % 3);
        values.chunking.average = random() % 2 ? 0 : 4096 + random() % 1_MiB;
        const bool fixed = values.chunking.algorithm == weir::chunk_algorithm::fixed;
        values.chunking.minimum = fixed || random() % 2 ? 0 : 64 + random() % 1000;
        values.chunking.normalization = fixed ? -1 : static_cast<int>(random() % 5) - 1;
        values.chunking.sizes.huge_file_threshold = 1_GiB + random() % 1_GiB;
        values.performance.async_io = random() % 2;
        values.performance.backend = random() % 2 ? weir::backend::auto_ : weir::backend::mmap;
        values.performance.memory_map_threshold = random() >> (1 + random() % 63);
        values.performance.buffer_size = 16_KiB << random() % 5;
        values.limits.small_buffers = 1 + random() % 1000;
        CHECK(weir::parse_configuration(weir::to_commented_toml(values), "weir.toml") == values);
    }
}

TEST_CASE("configuration: [performance] says what an engine is made of")
{
    const weir::engine_options options = weir::engine_options_of(weir::parse_configuration(
        "[performance]\nmax_worker_threads = 3\nbuffer_size = \"64K\"\nmax_memory_usage = \"20M\"\n", ""));
    CHECK(options.workers.threads == 3);
    CHECK(options.workers.stack_bytes == 8_MiB);
    CHECK(options.block_bytes == 64_KiB);
    CHECK(options.memory_bytes == 20_MiB);
}

TEST_CASE("configuration: an average for all files takes the place of the table")
{
    const auto options_from = [](const char* text) {
        return weir::ingest_options_of(weir::parse_configuration(text, ""));
    };
    CHECK(options_from("").sizes == weir::chunk_size_table());
    CHECK(options_from("[chunking]\nsmall_file_chunk_size = \"8K\"\n").sizes->small_file_chunk_size == 8_KiB);
    const weir::ingest_options options = options_from("[chunking]\naverage = \"16K\"\nminimum = 512\n");
    CHECK_FALSE(options.sizes);
    CHECK(options.chunker.average == 16_KiB);
    CHECK(options.chunker.min == 512);
}

TEST_CASE("configuration: async_io = false leaves threads where the back end is open")
{
    const auto backend_from = [](const char* text) {
        return weir::ingest_options_of(weir::parse_configuration(text, "")).backend;
    };
    CHECK(backend_from("") == weir::backend::auto_);
    CHECK(backend_from("[performance]\nasync_io = false\n") == weir::backend::threads);
    CHECK(backend_from("[performance]\nasync_io = false\nbackend = \"mmap\"\n") == weir::backend::mmap);
}

TEST_CASE("configuration: [limits] says what a pool is made of")
{
    const weir::pool_options options =
        weir::pool_options_of(weir::parse_configuration("[limits]\nsmall_buffers = 3\npool_bytes = \"2M\"\n", ""));
    CHECK(options.tiers.at(0).block_bytes == 64_KiB);
    CHECK(options.tiers.at(0).max_blocks == 3);
    CHECK(options.tiers.at(1).block_bytes == 1_MiB);
    CHECK(options.max_bytes == 2_MiB);
    CHECK(options.max_mapped == 16);
    CHECK_NOTHROW(weir::buffer_pool{options});
}

TEST_CASE("configuration: a file is loaded; one that cannot be read is the system's error with its path")
{
    const test::temp_dir directory;
    const std::string path = directory.write("weir.toml", "[performance]\nbatch_size = 9\n");
    CHECK(weir::load_configuration(path).performance.batch_size == 9);
    CHECK(weir::load_configuration(directory.write("empty.toml", "")) == weir::configuration());

    const auto failure_of = [&](const std::string& unreadable) {
        try {
            (void)weir::load_configuration(unreadable);
        }
        catch (const weir::error& failure) {
            CHECK(std::string(failure.what()).find(unreadable) != std::string::npos);
            return failure.code();
        }
        return std::error_code();
    };
    CHECK(failure_of(directory / "missing.toml") == std::errc::no_such_file_or_directory);
    CHECK(failure_of(directory.path()) == std::errc::is_a_directory);
}

TEST_CASE("configuration: whatever way of TOML a key is written in, it means the same")
{
    const auto average_in = [](const char* text) { return weir::parse_configuration(text, "a.toml").chunking.average; };
    for (const char* text :
         {"chunking.average = 16384", "chunking = { average = \"16K\" }", "[chunking]\naverage = 0x4000",
          "[\"chunking\"]\n'average' = '16 KiB'", "# caf\u00e9\n[chunking] # \u00e9\naverage = 16_384\r\n"})
        CHECK(average_in(text) == 16_KiB);
    check_refusal("[chunking.average]\n", {"weir.toml:1", "chunking.average", "cannot be a table"});
    check_refusal("chunking.average.x = 1\n", {"weir.toml:1", "unknown key chunking.average.x"});
    check_refusal("\"chunking.average\" = 1\n", {"weir.toml:1", "unknown key chunking.average"});
    check_refusal("[chunking]\naverage = 64K\n", {"weir.toml:2", "chunking.average", "64 B to 16 MiB"});
    check_refusal("[chunking]\naverage = [64]\n", {"weir.toml:2", "chunking.average", "cannot have this value"});
}

TEST_CASE("configuration: what has no end, or is no text, is refused and not kept")
{
    for (const char* path : {"/dev/zero", "/proc/self/exe"})
        CHECK_THROWS_WITH_AS((void)weir::load_configuration(path), doctest::Contains(path), weir::error);
}

} // namespace
