#pragma once
// Timing for the benchmarks: candidates run interleaved (A B A B ...), so that a slow second of the machine
// hits all of them alike, and their medians are compared. Ratios travel between machines; absolute figures
// are printed with the CPU's name beside them.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

/// The CPU as the system names it, and how many cores this process sees.
inline std::string cpu_name()
{
    std::ifstream info("/proc/cpuinfo");
    std::string name = "unknown CPU";
    for (std::string line; std::getline(info, line);) {
        const std::size_t colon = line.find(": ");
        if (line.starts_with("model name") && colon != std::string::npos) {
            name = line.substr(colon + 2);
            break;
        }
    }
    return name + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores";
}

/// Keeps the compiler from dropping a computation whose result nobody reads.
template <class Value>
inline void keep(const Value& value)
{
    asm volatile("" : : "r,m"(value) : "memory");
}

/// How long one call of `work` takes, in seconds.
template <class Work>
[[nodiscard]] double seconds_of(Work&& work)
{
    const auto start = std::chrono::steady_clock::now();
    std::forward<Work>(work)();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// How much CPU time of this process, all threads together, one call of `work` takes, in seconds.
template <class Work>
[[nodiscard]] double cpu_seconds_of(Work&& work)
{
    const std::clock_t start = std::clock();
    std::forward<Work>(work)();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// Does `work` on `count` threads at a time, this one among them.
template <class Work>
void on_threads(std::size_t count, const Work& work)
{
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < count; ++i)
        threads.emplace_back(work);
    work();
    for (std::thread& each : threads)
        each.join();
}

/// The middle of `values`; the mean of the two middle ones where their number is even. Not of nothing.
[[nodiscard]] inline double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// The least of `values`: of times, what hardly anything disturbed. Not of nothing.
[[nodiscard]] inline double best(const std::vector<double>& values)
{
    return *std::min_element(values.begin(), values.end());
}

/// One of the things that are compared. `run` does the work once; `seconds` has the time of every round,
/// `cpu_seconds` what of it the process had a CPU for, which other load on the machine hardly changes.
struct candidate {
    std::string name;
    std::function<void()> run;
    std::vector<double> seconds = {};
    std::vector<double> cpu_seconds = {};

    [[nodiscard]] double median_seconds() const { return median(seconds); }
    [[nodiscard]] double median_cpu_seconds() const { return median(cpu_seconds); }
    [[nodiscard]] double best_cpu_seconds() const { return best(cpu_seconds); }
};

/// Runs every candidate once to warm up, then `rounds` times in turn; each round starts with another one.
inline void interleave(std::vector<candidate>& candidates, std::size_t rounds)
{
    for (candidate& each : candidates)
        each.run();
    for (std::size_t round = 0; round < rounds; ++round) {
        for (std::size_t turn = 0; turn < candidates.size(); ++turn) {
            candidate& next = candidates[(round + turn) % candidates.size()];
            next.cpu_seconds.push_back(cpu_seconds_of([&] { next.seconds.push_back(seconds_of(next.run)); }));
        }
    }
}

} // namespace bench
