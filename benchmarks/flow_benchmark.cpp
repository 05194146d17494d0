// Cutting and digesting together: the loop in memory beside what everybody has (plain FastCDC, OpenSSL), and streams
// through the asynchronous interface beside that loop.
//
// All of it works on the same random bytes, in memory, with chunks of 64 KiB on average.

#include "corpus.hpp"
#include "measure.hpp"
#include "plain_fastcdc.hpp"
#include "report.hpp"

#include <weir/flow.hpp>
#include <weir/hasher.hpp>
#include <weir/memory_source.hpp>
#include <weir/multi_hasher.hpp>
#include <weir/size.hpp>
#include <weir/sinks.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <random>
#include <stdexcept>

namespace {

namespace asio = boost::asio;
using namespace weir::literals;

constexpr std::size_t average = 64_KiB;
constexpr std::size_t total = 256_MiB;
constexpr std::size_t rounds = 9;

std::span<const std::byte> as_bytes(const bench::byte_vector& data) { return std::as_bytes(std::span(data)); }

void plainly(const bench::byte_vector& data)
{
    const weir::chunker_options sizes = resolve(weir::fastcdc2020(average));
    static const weir::detail::gear_tables tables(0);
    static weir::hasher hasher(weir::hash_algorithm::sha256);
    bench::ends_vector ends;
    bench::cut_plainly(tables, sizes, data, ends);
    std::uint64_t start = 0;
    for (const std::uint64_t end : ends) {
        hasher.update(as_bytes(data).subspan(start, end - start));
        bench::keep(hasher.finish());
        start = end;
    }
}

/// Cut, then digest what a batch holds, on one thread and with nothing between.
void in_memory(const bench::byte_vector& data, const weir::chunker_options& sizes)
{
    weir::chunker chunker(sizes);
    weir::multi_hasher hasher(weir::hash_algorithm::sha256);
    const weir::slice all = weir::slice::adopt(as_bytes(data), nullptr);
    std::vector<weir::slice> slices;
    std::vector<weir::digest> digests;
    std::vector<weir::multi_hasher::message> batch;
    bench::ends_vector ends;
    std::uint64_t start = 0;
    const auto digest = [&] {
        slices.clear();
        batch.clear();
        digests.resize(ends.size());
        for (const std::uint64_t end : ends) {
            slices.push_back(all.subslice(start, end - start));
            start = end;
        }
        for (std::size_t i = 0; i < ends.size(); ++i)
            batch.push_back({{&slices[i], 1}, slices[i].size(), &digests[i]});
        hasher.start(batch);
        while (!hasher.run(2_MiB))
            ;
        ends.clear();
    };
    for (std::size_t at = 0; at < data.size(); at += 1_MiB) {
        chunker.push(as_bytes(data).subspan(at, std::min<std::size_t>(1_MiB, data.size() - at)), ends);
        if (ends.size() >= 2 * hasher.lanes())
            digest();
    }
    chunker.finish(ends);
    digest();
}

/// Memory in pieces of 4 to 256 KiB, as a network or a pipe gives them; nothing is copied, so that the asynchronous
/// machinery is what is measured.
class ragged_source final : public weir::source {
public:
    explicit ragged_source(std::span<const std::byte> memory) : rest_(weir::slice::adopt(memory, nullptr)) {}
    asio::awaitable<weir::bytes> read(weir::reservation&, std::size_t max_bytes) override
    {
        const std::size_t wanted = 4_KiB + random_() % (252_KiB);
        const std::size_t size = std::min({wanted, max_bytes, rest_.size()});
        weir::bytes out;
        if (size > 0)
            out.append(rest_.subslice(0, size));
        rest_.remove_prefix(size);
        co_return out;
    }

private:
    weir::slice rest_;
    std::minstd_rand random_;
};

struct runner {
    explicit runner(std::size_t workers) : engine(context.get_executor(), options(workers)) {}
    static weir::engine_options options(std::size_t workers)
    {
        weir::engine_options out;
        out.memory_bytes = 80_MiB;
        out.workers.threads = workers;
        return out;
    }
    void run(std::unique_ptr<weir::source> input, const weir::chunker_options& sizes)
    {
        weir::null_sink sink;
        std::exception_ptr failure;
        asio::co_spawn(context, weir::run_flow(engine, std::move(input), sink, {.chunker = sizes}),
                       [&](std::exception_ptr thrown, const weir::flow_statistics&) { failure = thrown; });
        context.restart();
        context.run();
        if (failure)
            std::rethrow_exception(failure);
    }
    asio::io_context context;
    weir::engine engine;
};

double gb_per_second(double seconds) { return 1e-9 * static_cast<double>(total) / seconds; }

void compare(const bench::candidate& ours, const bench::candidate& theirs, bool by_cpu, double gate, double target)
{
    const auto speed = [by_cpu](const bench::candidate& each) {
        return gb_per_second(by_cpu ? each.median_cpu_seconds() : each.median_seconds());
    };
    std::printf("%-34s %6.2f GB/s  %5.2f x %s\n", ours.name.c_str(), speed(ours), speed(ours) / speed(theirs),
                theirs.name.c_str());
    bench::publish({ours.name, speed(ours), theirs.name, speed(theirs), "GB/s", gate, target});
}

} // namespace

int main()
{
    std::printf("%s\n", bench::cpu_name().c_str());
    const bench::byte_vector data = bench::random_bytes(total, 1);
    const weir::chunker_options native = weir::weir1(average);
    const weir::chunker_options gear = weir::fastcdc2020(average);
    runner one(1);
    runner two(2);
    const auto memory = [&] { return std::make_unique<weir::memory_source>(as_bytes(data)); };
    const auto ragged = [&] { return std::make_unique<ragged_source>(as_bytes(data)); };
    std::vector<bench::candidate> all;
    all.push_back({"plain FastCDC + OpenSSL", [&] { plainly(data); }});
    all.push_back({"weir1 + digests in memory", [&] { in_memory(data, native); }});
    all.push_back({"fastcdc2020 + digests in memory", [&] { in_memory(data, gear); }});
    all.push_back({"weir1 stream, 1 worker", [&] { one.run(memory(), native); }});
    all.push_back({"weir1 stream, 2 workers", [&] { two.run(memory(), native); }});
    all.push_back({"weir1 stream, 1 worker, ragged", [&] { one.run(ragged(), native); }});
    bench::interleave(all, rounds);

    std::printf("one core, by CPU time\n");
    compare(all[1], all[0], true, 2.4, 3.0);
    compare(all[2], all[0], true, 1.8, 2.2);
    compare(all[5], all[1], true, 0.9, 0.97);
    std::printf("by the clock\n");
    compare(all[4], all[3], false, 1.75, 1.95);
}
