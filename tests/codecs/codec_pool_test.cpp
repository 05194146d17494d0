#include <weir/codec_pool.hpp>

#include "coding.hpp"

#include <doctest/doctest.h>

#include <thread>

using weir::codec;

namespace {

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
        weir::codec_pool pool;
        const test::byte_vector content = test::words(1000, 1);
        for (int i = 0; i < 10; ++i)
            CHECK(through(pool, each, content) == content);
        CHECK(pool.statistics().made == 2);
        CHECK(pool.statistics().reused == 18);
        CHECK(pool.statistics().idle == 2);
        weir::encoder other(each, {.level = 1}, pool);
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
