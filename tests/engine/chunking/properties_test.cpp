// What every content-defined chunker promises, whatever its function.

#include "cutting.hpp"
#include "generate.hpp"
#include "guarded_memory.hpp"

#include <support/seed.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace {

using test::byte_vector;
using test::cut;
using test::ends_vector;

const weir::chunker_options content_defined[] = {weir::weir1(4096), weir::fastcdc2020(4096)};

std::string bytes_of(const byte_vector& data, std::uint64_t from, std::uint64_t to)
{
    return {data.begin() + static_cast<std::ptrdiff_t>(from), data.begin() + static_cast<std::ptrdiff_t>(to)};
}

std::vector<std::string> chunks_of(const weir::chunker_options& options, const byte_vector& data)
{
    std::vector<std::string> chunks;
    std::uint64_t start = 0;
    for (const std::uint64_t end : cut(options, data)) {
        chunks.push_back(bytes_of(data, start, end));
        start = end;
    }
    return chunks;
}

std::size_t count_new(const std::vector<std::string>& chunks, const std::vector<std::string>& known)
{
    const std::set<std::string> seen(known.begin(), known.end());
    std::size_t count = 0;
    for (const std::string& chunk : chunks)
        count += seen.count(chunk) == 0 ? 1 : 0;
    return count;
}

TEST_CASE("chunkers: sizes stay within minimum and maximum, and nothing is lost")
{
    for (weir::chunker_options options : content_defined) {
        options.min = 3001;
        options.max = 5003;
        for (const byte_vector& data : {test::splitmix(1, 500000), test::letters(2, 500000), test::sparse(3, 500000)}) {
            std::uint64_t start = 0;
            for (const std::uint64_t end : cut(options, data)) {
                CHECK(end - start <= 5003);
                // FastCDC 2020 tests pairs of bytes: an odd minimum counts as the even one below.
                CHECK((end - start >= 3000 || end == data.size()));
                start = end;
            }
            CHECK(start == data.size());
        }
    }
}

TEST_CASE("chunkers: constant data are cut at the maximum only")
{
    for (const weir::chunker_options& options : content_defined)
        for (int value : {0, 1, 0x20, 0x7f, 0x80, 0xaa, 0xff})
            CHECK(cut(options, byte_vector(1 << 20, static_cast<std::uint8_t>(value))).size() == (1 << 20) / 16384);
}

TEST_CASE("weir1: no constant and no short period of a power of two triggers, whatever the secret")
{
    std::mt19937_64 random = test::generator(3);
    for (int round = 0; round < 100; ++round) {
        weir::chunker_options options = weir::weir1(round % 2 == 0 ? 4096 : 256);
        options.secret.emplace();
        for (std::byte& byte : *options.secret)
            byte = static_cast<std::byte>(random());
        const std::size_t max = resolve(options).max;
        const byte_vector data = test::periodic(random(), std::size_t{1} << random() % 6, 16 * max);
        CHECK(cut(options, data).size() == 16);
    }
}

TEST_CASE("chunkers: periodic data are not cut into a flood of small chunks")
{
    for (const weir::chunker_options& options : content_defined) {
        std::size_t chunks = 0;
        for (std::size_t period = 2; period < 400; ++period)
            chunks += cut(options, test::periodic(period, period, 1 << 18)).size();
        // No more than twice as many as on random data.
        CHECK(chunks < 398 * 2 * (1 << 18) / 4096);
    }
}

TEST_CASE("chunkers: an insertion or a removal costs about one chunk")
{
    std::mt19937_64 random = test::generator(4);
    for (const weir::chunker_options& options : content_defined) {
        const byte_vector data = test::splitmix(7, 2 << 20);
        const std::vector<std::string> before = chunks_of(options, data);
        std::size_t fresh = 0;
        for (int edit = 0; edit < 50; ++edit) {
            byte_vector edited = data;
            const auto at = edited.begin() + static_cast<std::ptrdiff_t>(random() % (edited.size() - 100000));
            const std::size_t size = 1 + random() % 3000;
            if (edit % 2 == 0)
                edited.erase(at, at + static_cast<std::ptrdiff_t>(size));
            else {
                const byte_vector inserted = test::splitmix(random(), size);
                edited.insert(at, inserted.begin(), inserted.end());
            }
            fresh += count_new(chunks_of(options, edited), before);
        }
        CHECK(fresh >= 50);
        CHECK(fresh < 50 * 4);
    }
}

TEST_CASE("weir1: the chunks of a file are found again in any other order")
{
    std::mt19937_64 random = test::generator(5);
    const std::vector<std::string> chunks = chunks_of(weir::weir1(4096), test::splitmix(8, 2 << 20));
    std::vector<std::string> shuffled(chunks.begin(), chunks.end() - 1); // the last was cut by the end of the file
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    byte_vector data;
    for (const std::string& chunk : shuffled)
        data.insert(data.end(), chunk.begin(), chunk.end());
    CHECK(chunks_of(weir::weir1(4096), data) == shuffled);
}

TEST_CASE("chunkers: a chunk's end is known when its last byte has come")
{
    for (const weir::chunker_options& options : content_defined) {
        const byte_vector data = test::splitmix(9, 200000);
        const ends_vector expected = cut(options, data);
        // The byte that makes FastCDC 2020 cut is the first of the next chunk, and is looked at with its pair.
        const std::uint64_t late = options.algorithm == weir::chunk_algorithm::fastcdc2020 ? 2 : 0;
        weir::chunker chunker(options);
        ends_vector ends;
        for (std::size_t i = 0; i < data.size() && ends.size() + 1 < expected.size(); ++i) {
            const std::size_t known = ends.size();
            chunker.push(std::as_bytes(std::span(data).subspan(i, 1)), ends);
            if (ends.size() > known)
                CHECK(i + 1 - ends.back() <= late);
            else
                CHECK(i + 1 < expected[known] + late);
        }
    }
}

TEST_CASE("chunkers: no byte behind the end of the pushed data is read")
{
    std::mt19937_64 random = test::generator(6);
    for (const weir::chunker_options& options : content_defined)
        for (const weir::cpu_level level : weir::available_cpu_levels())
            for (int round = 0; round < 40; ++round) {
                const byte_vector data = test::splitmix(random(), 4096 * (1 + random() % 4) + random() % 300);
                const test::guarded_memory guarded(data);
                CHECK(cut(options, guarded.span(), level) == cut(options, data, level));
            }
}

TEST_CASE("chunkers: finish and reset begin a new stream")
{
    for (weir::chunk_algorithm algorithm :
         {weir::chunk_algorithm::weir1, weir::chunk_algorithm::fastcdc2020, weir::chunk_algorithm::fixed}) {
        weir::chunker_options options;
        options.algorithm = algorithm;
        options.average = 4096;
        const byte_vector data = test::splitmix(10, 50001);
        weir::chunker chunker(options);
        const ends_vector once = cut(chunker, data);
        CHECK(cut(chunker, data) == once);
        ends_vector lost;
        chunker.push(std::as_bytes(std::span(data).first(777)), lost);
        chunker.reset();
        CHECK(cut(chunker, data) == once);
        CHECK(cut(chunker, {}).empty());
    }
}

TEST_CASE("fixed: every chunk has the size asked for, and the last what remains")
{
    weir::chunker chunker(weir::fixed(1000));
    CHECK(cut(chunker, byte_vector(3500)) == ends_vector{1000, 2000, 3000, 3500});
    CHECK(cut(chunker, byte_vector(2000)) == ends_vector{1000, 2000});
    CHECK(test::cut_in_pieces(chunker, byte_vector(3500), [] { return 333; }) == ends_vector{1000, 2000, 3000, 3500});
}

} // namespace
