#include <weir/multi_hasher.hpp>

#include "batch.hpp"

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace {

using weir::hash_algorithm;
using weir::multi_hasher;

constexpr std::size_t no_limit = std::size_t(-1);
constexpr hash_algorithm every_algorithm[] = {hash_algorithm::sha256, hash_algorithm::sha512_256,
                                              hash_algorithm::xxh3_128};

TEST_CASE("multi_hasher: every length from 0 to 1025 bytes gives the digest of OpenSSL, on every level")
{
    auto random = test::generator();
    const auto data = test::random_bytes(random, 1025);
    test::batch batch;
    for (std::size_t size = 0; size <= 1025; ++size) {
        const auto message = std::span(data).first(size);
        batch.add(message, test::cut(message, random));
    }
    for (weir::cpu_level level : weir::available_cpu_levels()) {
        CAPTURE(to_string(level));
        multi_hasher hasher(hash_algorithm::sha256, level);
        hasher.start(batch.messages());
        CHECK(hasher.run(no_limit));
        batch.check(hash_algorithm::sha256);
    }
}

TEST_CASE("multi_hasher: lengths around powers of two give the digest of OpenSSL, on every level")
{
    auto random = test::generator();
    const auto data = test::random_bytes(random, (1 << 18) + 64);
    test::batch batch;
    for (unsigned power = 11; power <= 18; ++power)
        for (int around : {-64, -9, -8, -1, 0, 1, 55, 56, 63, 64}) {
            const auto message = std::span(data).first((std::size_t(1) << power) + around);
            batch.add(message, test::cut(message, random));
        }
    for (weir::cpu_level level : weir::available_cpu_levels()) {
        CAPTURE(to_string(level));
        multi_hasher hasher(hash_algorithm::sha256, level);
        hasher.start(batch.messages());
        CHECK(hasher.run(no_limit));
        batch.check(hash_algorithm::sha256);
    }
}

TEST_CASE("multi_hasher: random batches, slices, alignments and portions of work give the right digests")
{
    auto random = test::generator();
    const auto data = test::random_bytes(random, 1 << 16);
    for (hash_algorithm algorithm : every_algorithm) {
        for (weir::cpu_level level : weir::available_cpu_levels()) {
            CAPTURE(to_string(algorithm));
            CAPTURE(to_string(level));
            multi_hasher hasher(algorithm, level);
            for (int round = 0; round < 300; ++round) {
                test::batch batch = test::random_batch(data, 40, random);
                hasher.start(batch.messages());
                const std::size_t portion = random() % 3 == 0 ? no_limit : 1 + random() % 20000;
                while (!hasher.run(portion))
                    ;
                batch.check(algorithm);
            }
        }
    }
}

TEST_CASE("multi_hasher: a portion of one byte still gets on, and is not overrun by much")
{
    auto random = test::generator();
    const auto data = test::random_bytes(random, 1 << 16);
    for (hash_algorithm algorithm : every_algorithm) {
        for (weir::cpu_level level : weir::available_cpu_levels()) {
            test::batch batch;
            for (int i = 0; i < 5; ++i)
                batch.add(data, {weir::slice::adopt(data, nullptr)});
            multi_hasher hasher(algorithm, level);
            hasher.start(batch.messages());
            CHECK(!hasher.run(1));
            CHECK(!hasher.run(1));
            CHECK(!hasher.run(2 << 16)); // two of five
            CHECK(hasher.run(3 << 16 | 1 << 12));
            batch.check(algorithm);
        }
    }
}

TEST_CASE("multi_hasher: a batch of nothing is done at once, and so is no batch at all")
{
    for (hash_algorithm algorithm : every_algorithm) {
        multi_hasher hasher(algorithm);
        CHECK(hasher.run(1));
        hasher.start({});
        CHECK(hasher.run(1));
    }
}

TEST_CASE("multi_hasher: a new batch forgets what was left of the one before")
{
    auto random = test::generator();
    const auto data = test::random_bytes(random, 1 << 16);
    for (hash_algorithm algorithm : every_algorithm) {
        for (weir::cpu_level level : weir::available_cpu_levels()) {
            multi_hasher hasher(algorithm, level);
            for (int round = 0; round < 50; ++round) {
                test::batch abandoned = test::random_batch(data, 30, random);
                hasher.start(abandoned.messages());
                (void)hasher.run(random() % 30000);
                test::batch batch = test::random_batch(data, 30, random);
                hasher.start(batch.messages());
                CHECK(hasher.run(no_limit));
                batch.check(algorithm);
            }
        }
    }
}

TEST_CASE("multi_hasher: a message whose bits need more than 32 to count them gives the right digest")
{
    auto random = test::generator();
    const auto block = test::random_bytes(random, (1 << 20) + 17);
    const std::vector<weir::slice> slices(513, weir::slice::adopt(block, nullptr));
    weir::hasher reference(hash_algorithm::sha256);
    for (const weir::slice& slice : slices)
        reference.update(slice);
    const std::size_t size = slices.size() * block.size();
    REQUIRE(size > std::size_t(512) << 20);

    weir::digest digest;
    const multi_hasher::message message{slices, size, &digest};
    multi_hasher hasher(hash_algorithm::sha256);
    hasher.start({&message, 1});
    CHECK(hasher.run(no_limit));
    CHECK(digest == reference.finish());
}

/// Two pages of memory with one behind them that must not be read.
class guarded_pages {
public:
    guarded_pages() : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE)))
    {
        memory_ = mmap(nullptr, 3 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(memory_ != MAP_FAILED);
        REQUIRE(mprotect(static_cast<char*>(memory_) + 2 * page_, page_, PROT_NONE) == 0);
    }
    guarded_pages(const guarded_pages&) = delete;
    guarded_pages& operator=(const guarded_pages&) = delete;
    ~guarded_pages() { munmap(memory_, 3 * page_); }

    std::span<std::byte> bytes() const { return {static_cast<std::byte*>(memory_), 2 * page_}; }

private:
    std::size_t page_;
    void* memory_;
};

TEST_CASE("multi_hasher: nothing behind a message is read")
{
    const guarded_pages pages;
    auto random = test::generator();
    std::ranges::generate(pages.bytes(), [&] { return static_cast<std::byte>(random()); });
    for (hash_algorithm algorithm : every_algorithm) {
        for (weir::cpu_level level : weir::available_cpu_levels()) {
            test::batch batch;
            for (std::size_t size : {0, 1, 3, 55, 63, 64, 65, 127, 128, 1000, 4096, 4097, 8192}) {
                const auto message = std::span<const std::byte>(pages.bytes()).last(size);
                batch.add(message, {weir::slice::adopt(message, nullptr)});
            }
            multi_hasher hasher(algorithm, level);
            hasher.start(batch.messages());
            CHECK(hasher.run(no_limit));
            batch.check(algorithm);
        }
    }
}

TEST_CASE("multi_hasher: the kernel's name says the algorithm, and portable is OpenSSL's")
{
    CHECK(multi_hasher(hash_algorithm::sha256, weir::cpu_level::portable).kernel() == "sha256-openssl");
    CHECK(multi_hasher(hash_algorithm::sha512_256).kernel() == "sha512-256-openssl");
    CHECK(multi_hasher(hash_algorithm::xxh3_128).kernel() == "xxh3-128-xxhash");
    for (weir::cpu_level level : weir::available_cpu_levels())
        CHECK(multi_hasher(hash_algorithm::sha256, level).kernel().starts_with("sha256-"));
}

TEST_CASE("multi_hasher: a level that the CPU lacks is refused")
{
    const bool arm = weir::detected_cpu_level() == weir::cpu_level::neon;
    const auto foreign = arm ? weir::cpu_level::avx2 : weir::cpu_level::neon;
    try {
        multi_hasher hasher(hash_algorithm::sha256, foreign);
        FAIL("accepted");
    }
    catch (const weir::error& failure) {
        CHECK(failure.code() == weir::errc::kernel_unavailable);
    }
}

} // namespace
