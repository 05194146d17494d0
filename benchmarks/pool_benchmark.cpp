// What a block of the pool costs beside malloc and free of the same size, with 1 to 16 threads, and what a hit
// in the cache costs beside a plain table under one lock.
//
//   pool-benchmark        prints a table; takes a few seconds

#include "measure.hpp"
#include "report.hpp"

#include <weir/buffer_pool.hpp>
#include <weir/cache.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

constexpr std::size_t KiB = 1024;
constexpr std::size_t rounds = 7;
constexpr std::size_t lookups = 400'000;

/// Takes `held` at a time and gives them back in the same order; each is touched at its first byte.
template <class Take>
void take_and_drop(std::size_t times, std::size_t held, const Take& take)
{
    std::array<decltype(take()), 8> window;
    for (std::size_t done = 0; done < times; done += held) {
        for (std::size_t i = 0; i < held; ++i)
            window[i] = take();
        for (std::size_t i = 0; i < held; ++i)
            window[i] = {};
    }
}

/// A line of the table. CPU time is published; elapsed time shows whether threads wait for each other.
void report(const std::string& what, std::size_t threads, const std::vector<bench::candidate>& both,
            std::size_t operations)
{
    const double scale = 1e9 / static_cast<double>(operations);
    const double mine = both[0].median_cpu_seconds() * scale;
    const double theirs = both[1].median_cpu_seconds() * scale;
    std::printf("%-28s %7zu %9.1f %9.1f %7.2f %9.1f %9.1f   %s\n", what.c_str(), threads, mine, theirs, theirs / mine,
                both[0].median_seconds() * scale, both[1].median_seconds() * scale, both[1].name.c_str());
    std::fflush(stdout);
    bench::publish({.name = what + ", " + std::to_string(threads) + " threads",
                    .ours = mine,
                    .peer = both[1].name,
                    .theirs = theirs,
                    .unit = "ns",
                    .gate = 0,
                    .target = 0,
                    .at_most = true});
    if (threads == 1 && both[0].name == "cache") // the promise of the interface, in nanoseconds
        bench::publish({.name = what,
                        .ours = mine,
                        .peer = {},
                        .theirs = 0,
                        .unit = "ns",
                        .gate = 100,
                        .target = 60,
                        .at_most = true});
}

struct freed {
    void operator()(void* memory) const noexcept { std::free(memory); }
};

void compare_pool(std::size_t threads, std::size_t bytes, std::size_t held, std::size_t pairs)
{
    weir::buffer_pool pool;
    std::vector<bench::candidate> both{
        {"pool", [&] {
             bench::on_threads(threads, [&] {
                 take_and_drop(pairs / threads, held, [&] {
                     weir::buffer out = pool.acquire_now(bytes);
                     *out.data() = std::byte(1);
                     return out;
                 });
             });
         }},
        {"malloc and free", [&] {
             bench::on_threads(threads, [&] {
                 take_and_drop(pairs / threads, held, [&] {
                     std::unique_ptr<void, freed> out(std::malloc(bytes));
                     *static_cast<volatile char*>(out.get()) = 1;
                     return out;
                 });
             });
         }}};
    bench::interleave(both, rounds);
    report("block of " + std::to_string(bytes / 1024) + " KiB, " + std::to_string(held) + " held", threads, both, pairs);
}

void compare_cache(std::size_t threads)
{
    constexpr std::uint64_t keys = 8192;
    weir::cache<std::uint64_t, std::uint64_t> cache({.max_count = 4 * keys});
    std::unordered_map<std::uint64_t, std::uint64_t> table;
    std::mutex table_lock;
    for (std::uint64_t key = 0; key < keys; ++key) {
        cache.put(key, key);
        table.emplace(key, key);
    }
    const auto look_up = [threads](const auto& find) {
        bench::on_threads(threads, [&] {
            std::uint64_t key = 1;
            std::uint64_t sum = 0;
            for (std::size_t i = 0; i < lookups / threads; ++i) {
                key = key * 6364136223846793005u + 1442695040888963407u;
                sum += find((key >> 32) % keys);
            }
            bench::keep(sum);
        });
    };
    std::vector<bench::candidate> both{
        {"cache", [&] { look_up([&](std::uint64_t key) { return cache.find(key).value(); }); }},
        {"table under one lock", [&] {
             look_up([&](std::uint64_t key) {
                 std::lock_guard lock(table_lock);
                 return table.find(key)->second;
             });
         }}};
    bench::interleave(both, rounds);
    report("cache hit of 8192 keys", threads, both, lookups);
}

} // namespace

int main()
{
    constexpr std::array<std::size_t, 4> threads = {1, 2, 4, 16};
    std::printf("%s\nns an operation of all threads together, medians of %zu interleaved rounds\n\n",
                bench::cpu_name().c_str(), rounds);
    std::printf("%-28s %7s %9s %9s %7s %9s %9s\n", "", "threads", "cpu", "peer", "ratio", "elapsed", "peer");
    for (const std::size_t each : threads)
        compare_pool(each, 64 * KiB, 1, 100'000);
    for (const std::size_t each : threads)
        compare_pool(each, 64 * KiB, 8, 10'000); // malloc gives memory back and faults it in again: slow
    for (const std::size_t each : threads)
        compare_pool(each, 1024 * KiB, 1, 100'000);
    for (const std::size_t each : threads)
        compare_cache(each);
}
