#include <weir/codec_pool.hpp>

#include "coding.hpp"

#include <weir/counting_resource.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <memory_resource>
#include <thread>

using weir::codec;

namespace {

// The first use of the pool of the process, before any test, while the default resource is another one.
const std::uint64_t taken_by_first_use = [] {
    static weir::counting_resource of_a_user;
    std::pmr::memory_resource* const usual = std::pmr::set_default_resource(&of_a_user);
    weir::codec_pool::common().prepare_decoders(test::built_in_codecs().back(), {}, 1);
    weir::codec_pool::common().clear();
    std::pmr::set_default_resource(usual);
    return of_a_user.total_count();
}();

test::byte_vector through(weir::codec_pool& pool, codec which, const test::byte_vector& content)
{
    weir::encoder out(which, {}, pool);
    const test::byte_vector stream = test::run(out, content);
    weir::decoder in(which, {}, pool);
    return test::run(in, stream);
}

} // namespace

TEST_CASE("codec_pool: the next stream of the same settings finds the context of the last")
{
    for (const codec each : test::built_in_codecs()) {
        weir::codec_pool pool({.max_context_bytes = std::size_t{128} << 20}); // an encoder of xz has 93 MiB
        const test::byte_vector content = test::words(1000, 1);
        for (int i = 0; i < 10; ++i)
            CHECK(through(pool, each, content) == content);
        CHECK(pool.statistics().made == 2);
        CHECK(pool.statistics().reused == 18);
        CHECK(pool.statistics().idle == 2);
        weir::encoder other(each, {.level = weir::codec_level::fast}, pool);
        CHECK(pool.statistics().made == 3);
    }
}

TEST_CASE("codec_pool: contexts can be made beforehand, and freed")
{
    weir::codec_pool pool;
    pool.prepare_encoders(codec::identity, {}, 3);
    pool.prepare_decoders(codec::identity, {}, 2);
    CHECK(pool.statistics().idle == 5);
    pool.prepare_encoders(codec::identity, {}, 3);
    CHECK(pool.statistics().made == 5);
    const weir::encoder coder(codec::identity, {}, pool);
    CHECK(pool.statistics().made == 5);
    pool.clear();
    CHECK(pool.statistics().idle == 0);
    CHECK(pool.statistics().idle_bytes == 0);
}

TEST_CASE("codec_pool: it keeps no more than its limits")
{
    weir::codec_pool few({.max_idle = 2});
    few.prepare_encoders(codec::identity, {}, 5);
    CHECK(few.statistics().idle == 2);
    weir::codec_pool none({.max_idle = 0});
    none.prepare_encoders(codec::identity, {}, 1);
    CHECK(none.statistics().idle == 0);
    if (weir::is_built_in(codec::gzip)) { // an encoder of which has about 270 KB
        weir::codec_pool small({.max_idle_bytes = 600'000});
        small.prepare_encoders(codec::gzip, {}, 5);
        CHECK(small.statistics().idle == 2);
        CHECK(small.statistics().idle_bytes <= 600'000);
    }
}

TEST_CASE("codec_pool: what met an error is not kept")
{
    for (const codec each : test::built_in_codecs()) {
        if (each == codec::identity)
            continue;
        weir::codec_pool pool;
        {
            weir::decoder coder(each, {}, pool);
            CHECK_THROWS_AS(test::run(coder, test::byte_vector()), const weir::error&);
        }
        CHECK(pool.statistics().idle == 0);
    }
}

TEST_CASE("codec_pool: encoders and decoders may outlive it, and be moved")
{
    std::optional<weir::codec_pool> pool(std::in_place);
    weir::encoder first(codec::identity, {}, *pool);
    weir::encoder moved(std::move(first));
    weir::encoder other(codec::identity, {}, *pool);
    other = std::move(moved);
    CHECK(pool->statistics().idle == 1);
    pool.reset();
    CHECK(test::run(other, test::bytes_of("content")) == test::bytes_of("content"));
}

TEST_CASE("codec_pool: many threads share one")
{
    for (const codec each : test::built_in_codecs()) {
        if (each == codec::xz || each == codec::lzma)
            continue; // their contexts are large
        weir::codec_pool pool;
        std::atomic<int> good = 0;
        std::vector<std::thread> threads;
        for (unsigned thread = 0; thread < 4; ++thread)
            threads.emplace_back([&, thread] {
                for (unsigned i = 0; i < 50; ++i) {
                    const test::byte_vector content = test::words(500 + i, thread * 1000 + i);
                    good += through(pool, each, content) == content;
                }
            });
        for (std::thread& one : threads)
            one.join();
        CHECK(good == 200);
        CHECK(pool.statistics().made <= 8);
    }
}

TEST_CASE("codec_pool: what is made beforehand needs no more memory for its first stream")
{
    const weir::encoder_settings fastest{.level = weir::codec_level::fastest};
    const test::cuts pieces{[] { return std::size_t{10'000}; }};
    const test::byte_vector content = test::words(100'000, 2);
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        weir::counting_resource memory;
        weir::codec_pool pool({.memory = &memory});
        pool.prepare_encoders(each, fastest, 1);
        pool.prepare_decoders(each, {}, 1);
        CHECK(pool.statistics().idle == 2);
        const std::uint64_t before = memory.total_count();
        weir::encoder out(each, fastest, pool);
        const test::byte_vector stream = test::run(out, content, pieces);
        weir::decoder in(each, {}, pool);
        CHECK(test::run(in, stream, pieces) == content);
        CHECK(pool.statistics().made == 2);
        // liblzma allocates the options of a block's filters, and frees them, with each block and each encoder.
        const std::uint64_t allowed = each == codec::xz || each == codec::lzma ? 16 : 0;
        CHECK(memory.total_count() - before <= allowed);
    }
}

TEST_CASE("codec_pool: preparing makes no more than may wait, and counts none as reused")
{
    weir::codec_pool pool;
    pool.prepare_encoders(codec::identity, {}, std::numeric_limits<std::size_t>::max());
    CHECK(pool.statistics().made == 64);
    CHECK(pool.statistics().idle == 64);
    pool.prepare_encoders(codec::identity, {}, 64);
    CHECK(pool.statistics().made == 64);
    CHECK(pool.statistics().reused == 0);
    if (weir::is_built_in(codec::gzip)) { // an encoder of which has about 270 KB
        weir::codec_pool small({.max_idle_bytes = 600'000});
        small.prepare_encoders(codec::gzip, {}, 1000);
        CHECK(small.statistics().made == 2);
    }
}

TEST_CASE("codec_pool: a context that became too large goes, and drives out no other")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    const test::cuts pieces{[] { return std::size_t{10'000}; }};
    const test::byte_vector content = test::words(100'000, 3);
    const test::byte_vector stream
        = test::encoded(codec::zstd, content, {.window_bytes = std::size_t{64} << 20}, pieces);
    weir::codec_pool pool({.max_idle_bytes = std::size_t{65} << 20});
    pool.prepare_decoders(codec::identity, {}, 1);
    pool.prepare_decoders(codec::zstd, {}, 2);
    {
        weir::decoder coder(codec::zstd, {}, pool);
        CHECK(test::run(coder, stream, pieces) == content);
    }
    CHECK(pool.statistics().idle == 2);
    CHECK(pool.statistics().idle_bytes < std::size_t{16} << 20);
}

TEST_CASE("codec_pool: an encoder with threads is not kept")
{
    for (const codec each : {codec::zstd, codec::xz}) {
        if (!weir::is_built_in(each))
            continue;
        weir::codec_pool pool({.max_context_bytes = std::size_t{256} << 20});
        const weir::encoder_settings two{.level = weir::codec_level::fastest, .threads = 2};
        {
            weir::encoder coder(each, two, pool);
            CHECK(test::decoded(each, test::run(coder, test::bytes_of("content"))) == test::bytes_of("content"));
        }
        CHECK(pool.statistics().idle == 0);
        pool.prepare_encoders(each, two, 3);
        CHECK(pool.statistics().made == 1);
    }
}

TEST_CASE("codec_pool: the pool of the process does not take its memory where a user's does")
{
    CHECK(taken_by_first_use == 0);
}
