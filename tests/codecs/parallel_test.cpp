// Streams that several threads encode, piece by piece.

#include <weir/parallel_encoding.hpp>

#include "coding.hpp"

#include "support/sanitized.hpp"
#include "support/seed.hpp"

#include <weir/codec_pool.hpp>
#include <weir/counting_resource.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <memory_resource>
#include <new>
#include <stdexcept>

namespace parallel_test {
using weir::codec;
using weir::errc;

namespace {

constexpr std::size_t piece_bytes = std::size_t{64} << 10; // the smallest that all of them have
constexpr codec with_pieces[] = {codec::zstd, codec::lz4, codec::gzip, codec::zlib, codec::deflate, codec::xz};
constexpr std::size_t all_thread_counts[] = {3, 1, 2, 8};
constexpr std::span thread_counts = std::span<const std::size_t>(all_thread_counts).first(test::is_sanitized ? 2 : 4);

std::vector<codec> codecs()
{
    std::vector<codec> out;
    std::ranges::copy_if(with_pieces, std::back_inserter(out), weir::is_built_in);
    return out;
}

/// Gives a content, and counts.
struct reader {
    test::byte_span rest;
    std::size_t calls = 0;

    std::size_t operator()(std::span<std::byte> room)
    {
        ++calls;
        const std::size_t count = std::min(room.size(), rest.size());
        std::ranges::copy(rest.first(count), room.begin());
        rest = rest.subspan(count);
        return count;
    }
};

weir::stream_writer into(test::byte_vector& out)
{
    return [&out](test::byte_span bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
}

weir::encoder_settings fastest() { return {.level = weir::codec_level::fastest}; }

test::byte_vector in_pieces(codec which, test::byte_span content, std::size_t threads,
                            const weir::encoder_settings& settings = fastest(), std::size_t piece = piece_bytes)
{
    test::byte_vector out;
    reader from{content};
    const weir::parallel_totals totals = weir::encode_parallel(
        which, settings, {.threads = threads, .piece_bytes = piece}, std::ref(from), into(out));
    CHECK(totals.consumed == content.size());
    CHECK(totals.produced == out.size());
    return out;
}

/// Half of it compresses.
test::byte_vector mixed(std::size_t size, std::mt19937_64& random)
{
    test::byte_vector out = test::words(size, random());
    for (std::size_t i = 0; i < size; ++i)
        if (i / 5000 % 2 == 0)
            out[i] = static_cast<std::byte>(random());
    return out;
}

/// Memory that ends after so many allocations.
class failing_resource final : public std::pmr::memory_resource {
public:
    explicit failing_resource(std::uint64_t most) noexcept : left_(static_cast<std::int64_t>(most)) {}

    [[nodiscard]] bool has_failed() const noexcept { return left_ < 0; }
    [[nodiscard]] std::int64_t held() const noexcept { return held_; }

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override
    {
        if (left_-- <= 0)
            throw std::bad_alloc();
        ++held_;
        return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override
    {
        --held_;
        std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

    std::atomic<std::int64_t> left_;
    std::atomic<std::int64_t> held_ = 0;
};

std::size_t refused_setting(codec which, const weir::encoder_settings& settings, const weir::parallel_options& options)
{
    try {
        reader nothing{};
        weir::encode_parallel(which, settings, options, std::ref(nothing), [](test::byte_span) {});
        return 0;
    }
    catch (const weir::error& why) {
        CHECK(why.code() == errc::bad_configuration);
        return why.subject() == "pieces" ? 1 : why.subject() == "threads" ? 2 : 3;
    }
}

} // namespace

TEST_CASE("parallel encoding: any decoder gives the content back, and the stream does not depend on the threads")
{
    std::mt19937_64 random(test::seed());
    for (const codec each : codecs()) {
        CAPTURE(weir::to_string(each));
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, piece_bytes - 1, piece_bytes, piece_bytes + 1,
                                       3 * piece_bytes, 7 * piece_bytes + random() % piece_bytes}) {
            CAPTURE(size);
            const test::byte_vector content = mixed(size, random);
            const test::byte_vector first = in_pieces(each, content, 1);
            CHECK(test::decoded(each, first) == content);
            for (const std::size_t threads : thread_counts)
                CHECK(in_pieces(each, content, threads) == first);
        }
    }
}

TEST_CASE("parallel encoding: content that is all there gives the same stream, and is let go in order")
{
    std::mt19937_64 random(test::seed());
    for (const codec each : codecs()) {
        CAPTURE(weir::to_string(each));
        for (const std::size_t size : {std::size_t{0}, 2 * piece_bytes, 9 * piece_bytes + 77}) {
            const test::byte_vector content = mixed(size, random);
            test::byte_vector out;
            std::size_t released = 0;
            weir::encode_parallel(each, fastest(), {.threads = 3, .piece_bytes = piece_bytes}, content, into(out),
                                  [&](test::byte_span part) {
                                      CHECK(part.data() == content.data() + released);
                                      released += part.size();
                                  });
            CHECK(released == size);
            CHECK(out == in_pieces(each, content, 2));
        }
    }
}

TEST_CASE("parallel encoding: levels, windows and checksums are kept")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = mixed(5 * piece_bytes + 3, random);
    for (const codec each : codecs()) {
        CAPTURE(weir::to_string(each));
        for (const weir::codec_level level : {weir::codec_level(weir::codec_level::fastest), weir::codec_level(4)}) {
            for (const bool checksum : {true, false}) {
                const weir::encoder_settings settings{.level = level, .checksum = checksum};
                const test::byte_vector stream = in_pieces(each, content, 2, settings);
                CHECK(test::decoded(each, stream) == content);
            }
        }
        if (each == codec::lz4)
            continue;
        const test::byte_vector small = in_pieces(each, content, 2, {.window_bytes = std::size_t{4} << 10});
        CHECK(test::decoded(each, small) == content);
        if (each == codec::zstd) // whose decoder needs no more
            CHECK(test::decoded(each, small, {.max_memory_bytes = std::size_t{4} << 10}) == content);
    }
}

TEST_CASE("parallel encoding: one stream of gzip refers across its pieces, so that cuts cost next to nothing")
{
    for (const codec each : {codec::gzip, codec::zlib, codec::deflate}) {
        if (!weir::is_built_in(each))
            continue;
        const test::byte_vector content = test::words(40 * piece_bytes, 7);
        const std::size_t whole = test::encoded(each, content).size();
        CHECK(in_pieces(each, content, 2, {}).size() < whole + whole / 100);
        weir::decoder_settings one_only;
        one_only.concatenated = false;
        CHECK(test::decoded(each, in_pieces(each, content, 2), one_only) == content);
        const test::byte_vector small = test::words(piece_bytes - 1, 8);
        CHECK(in_pieces(each, small, 2, {}) == test::encoded(each, small));
    }
}

TEST_CASE("parallel encoding: a decoder finds damage in any piece")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = mixed(4 * piece_bytes, random);
    for (const codec each : codecs()) {
        if (each == codec::deflate)
            continue; // has no checksum
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = in_pieces(each, content, 2);
        for (std::size_t at = stream.size() / 8; at < stream.size(); at += stream.size() / 4) {
            test::byte_vector damaged = stream;
            damaged[at] ^= std::byte{0x10};
            CHECK(test::failure_of(each, damaged));
        }
    }
}

TEST_CASE("parallel encoding: what reading or writing throws ends it, at any step")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = mixed(14 * piece_bytes, random);
    for (const codec each : codecs()) {
        CAPTURE(weir::to_string(each));
        for (const std::size_t threads : thread_counts) {
            for (std::size_t step = 0; step < 13; step += 3) {
                reader from{content};
                const auto failing = [&](std::span<std::byte> room) {
                    return from.calls == step ? throw std::runtime_error("read") : from(room);
                };
                std::size_t writes = 0;
                const auto count = [&](test::byte_span) { ++writes; };
                const weir::parallel_options options{.threads = threads, .piece_bytes = piece_bytes};
                CHECK_THROWS_WITH(weir::encode_parallel(each, fastest(), options, failing, count), "read");
                CHECK(writes <= step + 1);

                writes = 0;
                const auto full = [&](test::byte_span) {
                    if (writes++ == step)
                        throw std::runtime_error("write");
                };
                CHECK_THROWS_WITH(weir::encode_parallel(each, fastest(), options, content, full), "write");
                CHECK(writes == step + 1);
            }
        }
    }
}

TEST_CASE("parallel encoding: pieces that wait for one before them are few")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = mixed((test::is_sanitized ? 20 : 60) * piece_bytes, random);
    for (const codec each : codecs()) {
        CAPTURE(weir::to_string(each));
        for (const std::size_t threads : thread_counts) {
            // Reading is a turn of its own: what it has seen written is the least that was.
            std::atomic<std::size_t> written = 0;
            reader from{content};
            std::size_t most = 0;
            weir::encode_parallel(
                each, fastest(), {.threads = threads, .piece_bytes = piece_bytes},
                [&](std::span<std::byte> room) {
                    const std::size_t before = written;
                    most = std::max(most, from.calls + 1 - std::min(before, from.calls + 1));
                    return from(room);
                },
                [&](test::byte_span) { ++written; });
            CHECK(most <= threads + (threads + 1) / 2);
        }
    }
}

TEST_CASE("parallel encoding: its memory is what is said beforehand, and comes back")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = mixed(20 * piece_bytes, random);
    for (const codec each : codecs()) {
        CAPTURE(weir::to_string(each));
        weir::counting_resource memory;
        {
            weir::codec_pool contexts({.max_idle = 0, .memory = &memory});
            const weir::parallel_options options{.threads = 3, .piece_bytes = piece_bytes, .contexts = &contexts};
            weir::encode_parallel(each, {}, options, content, [](test::byte_span) {});
            const std::size_t of_pieces = weir::parallel_memory(each, {}, options) - 3 * weir::encoder_memory(each, {});
            CHECK(of_pieces >= 5 * 2 * piece_bytes);
            CHECK(of_pieces <= 5 * 2 * (piece_bytes + piece_bytes));
            CHECK(memory.peak_bytes() <= weir::parallel_memory(each, {}, options));
        }
        CHECK(memory.current_bytes() == 0);
    }
}

TEST_CASE("parallel encoding: memory that ends at any allocation, in any thread, is told, and all of it comes back")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = mixed(5 * piece_bytes, random);
    for (const codec each : codecs()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector expected = in_pieces(each, content, 1);
        for (const std::size_t threads : {1u, 3u}) {
            bool has_ended = false;
            for (std::uint64_t most = 0; !has_ended; ++most) {
                CAPTURE(most);
                REQUIRE(most < 1000);
                failing_resource memory(most);
                weir::codec_pool contexts({.max_idle = 0, .memory = &memory});
                test::byte_vector out;
                try {
                    weir::encode_parallel(each, fastest(), {.threads = threads, .piece_bytes = piece_bytes, .contexts = &contexts},
                                          content, into(out));
                    CHECK(out == expected);
                    has_ended = !memory.has_failed();
                }
                catch (const std::bad_alloc&) {
                    CHECK(memory.has_failed());
                }
                CHECK(memory.held() == 0);
            }
        }
    }
}

TEST_CASE("parallel encoding: what cannot be is refused by name")
{
    for (const codec each : codecs()) {
        CAPTURE(weir::to_string(each));
        CHECK(refused_setting(each, {}, {.piece_bytes = 1000}) == 1);
        CHECK(refused_setting(each, {}, {.piece_bytes = (std::size_t{1} << 30) + 1}) == 1);
        CHECK(refused_setting(each, {}, {.threads = 1025}) == 2);
        CHECK(refused_setting(each, {.level = 100}, {}) == 3);
        CHECK(weir::piece_bytes_of(each) >= std::size_t{512} << 10);
    }
    if (weir::is_built_in(codec::lz4))
        CHECK(refused_setting(codec::lz4, {}, {.piece_bytes = std::size_t{128} << 10}) == 1);
    if (weir::is_built_in(codec::lzma))
        CHECK(refused_setting(codec::lzma, {}, {}) == 1);
    if (weir::is_built_in(codec::xz))
        CHECK(refused_setting(codec::xz, {.threads = 2}, {}) == 2);
    CHECK(refused_setting(codec::identity, {}, {}) == 1);
}
} // namespace parallel_test
