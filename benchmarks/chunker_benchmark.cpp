// How fast the chunkers cut, on every kernel level, beside a plain FastCDC loop; and how much they find again in the
// next version of a tree, at equal mean chunk size.
//
//   chunker-benchmark [TREE]     default: /usr/share
//
// Times are CPU time of the thread, the best of interleaved rounds: the data are in memory, nothing is waited for.

#include "corpus.hpp"
#include "measure.hpp"
#include "plain_fastcdc.hpp"
#include "report.hpp"

#include <weir/chunker.hpp>
#include <weir/digest.hpp>
#include <weir/hasher.hpp>
#include <weir/size.hpp>

#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

namespace {

using bench::byte_vector;
using bench::cut_plainly;
using bench::ends_vector;
using namespace weir::literals;

double thread_seconds()
{
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct contestant {
    std::string name;
    std::function<void()> run;
    double best = std::numeric_limits<double>::max();
};

void race(std::vector<contestant>& contestants)
{
    for (int round = 0; round < 7; ++round)
        for (contestant& each : contestants) {
            const double before = thread_seconds();
            each.run();
            each.best = std::min(each.best, thread_seconds() - before);
        }
}

struct bounds {
    std::string_view kernel;
    double gate;
    double target;
};
constexpr bounds bounds_of_kernels[] = {
    {"fastcdc2020-x3", 1.5, 2.0},
    {"weir1-avx512", 5, 7},
    {"weir1-avx2", 2.1, 3.3},
    {"weir1-portable", 0.65, 1},
};

void report_speed(const std::string& input, std::size_t bytes, const std::vector<contestant>& contestants)
{
    const auto speed = [bytes](const contestant& each) { return 1e-9 * static_cast<double>(bytes) / each.best; };
    const contestant& plain = contestants.front();
    for (const contestant& each : contestants) {
        std::printf("cut %-16s %-18s %6.2f GB/s  %5.2f x\n", input.c_str(), each.name.c_str(), speed(each),
                    plain.best / each.best);
        for (const bounds& known : bounds_of_kernels)
            if (known.kernel == each.name)
                bench::publish({"cut " + input + ", " + each.name, speed(each), plain.name, speed(plain), "GB/s",
                                known.gate, known.target});
    }
}

void measure_speed(const std::string& what, const byte_vector& data, std::size_t average)
{
    const weir::chunker_options gear = resolve(weir::fastcdc2020(average));
    const weir::detail::gear_tables tables(0);
    std::vector<weir::chunker> chunkers;
    chunkers.emplace_back(gear);
    for (const weir::cpu_level level : weir::available_cpu_levels())
        chunkers.emplace_back(weir::weir1(average), level);

    ends_vector ends;
    ends.reserve(data.size() / gear.min + 1);
    std::vector<contestant> contestants;
    contestants.push_back({"plain FastCDC", [&] {
                               ends.clear();
                               cut_plainly(tables, gear, data, ends);
                           }});
    for (weir::chunker& each : chunkers)
        contestants.push_back({std::string(each.kernel()), [&] {
                                   ends.clear();
                                   each.push(std::as_bytes(std::span(data)), ends);
                                   each.finish(ends);
                               }});
    race(contestants);
    report_speed(weir::format_size(average) + " " + what, data.size(), contestants);
}

struct deduplication {
    double mean;  // size of a chunk
    double ratio; // bytes by unique bytes
};

deduplication deduplicate(const weir::chunker_options& options, const byte_vector& data)
{
    ends_vector ends;
    weir::chunker chunker(options);
    chunker.push(std::as_bytes(std::span(data)), ends);
    chunker.finish(ends);
    std::unordered_set<weir::digest> seen;
    std::uint64_t unique = 0;
    std::uint64_t start = 0;
    for (const std::uint64_t end : ends) {
        const auto chunk = std::as_bytes(std::span(data)).subspan(start, end - start);
        if (seen.insert(weir::digest_of(weir::hash_algorithm::xxh3_128, chunk)).second)
            unique += chunk.size();
        start = end;
    }
    return {static_cast<double>(data.size()) / static_cast<double>(ends.size()),
            static_cast<double>(data.size()) / static_cast<double>(unique)};
}

// weir1 is asked for the average that gives it the mean of FastCDC at level 2: sizes scale with the average.
void compare_deduplication(const byte_vector& data, std::size_t average)
{
    weir::chunker_options gear = weir::fastcdc2020(average);
    gear.normalization = 2;
    const deduplication theirs = deduplicate(gear, data);
    double asked = static_cast<double>(average);
    deduplication ours{};
    for (int step = 0; step < 8 && std::abs(ours.mean / theirs.mean - 1) > 0.003; ++step) {
        if (step != 0)
            asked *= theirs.mean / ours.mean;
        ours = deduplicate(weir::weir1(static_cast<std::size_t>(asked)), data);
    }
    const std::string name = "dedup ratio at a mean of " + weir::format_size(static_cast<std::uint64_t>(theirs.mean));
    std::printf("%s: weir1 %.4f, FastCDC level 2 %.4f, %.3f x (means differ by %.1f%%)\n", name.c_str(), ours.ratio,
                theirs.ratio, ours.ratio / theirs.ratio, 100 * (ours.mean / theirs.mean - 1));
    bench::publish({name, ours.ratio, "FastCDC level 2", theirs.ratio, "x", 0.985, 1});
}

} // namespace

int main(int argc, char** argv)
{
    std::printf("%s\n", bench::cpu_name().c_str());
    const std::vector<bench::file> tree = bench::read_tree(argc > 1 ? argv[1] : "/usr/share", 192_MiB);
    const byte_vector random = bench::random_bytes(128_MiB, 1);
    byte_vector real = bench::archive(tree);
    for (const std::size_t average : {16_KiB, 64_KiB, 1_MiB}) {
        measure_speed("random", random, average);
        measure_speed("real", real, average);
    }
    const byte_vector next = bench::archive(bench::edited(tree, 2));
    real.insert(real.end(), next.begin(), next.end());
    for (const std::size_t average : {16_KiB, 64_KiB, 256_KiB})
        compare_deduplication(real, average);
}
