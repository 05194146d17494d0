// How late a 1 ms timer on the caller's io_context comes while an ingest runs at full speed on all cores, beside the
// same timer with as many plain spinning threads.
//
//   timer-benchmark [FILE]     default: a file of 512 MiB that it makes, cached

#include "corpus.hpp"
#include "measure.hpp"
#include "report.hpp"

#include <weir/flow.hpp>
#include <weir/file_source.hpp>
#include <weir/size.hpp>
#include <weir/sinks.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cstdio>
#include <stdexcept>

#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::literals;

constexpr auto period = 1ms;
constexpr auto duration = 3s;

/// Rearms itself every period until it is stopped, and notes how late each time was.
class late_timer {
public:
    explicit late_timer(asio::io_context& context) : timer_(context) { arm(); }
    void stop() { stopped_ = true; }
    [[nodiscard]] double worst_ms() const { return late_.empty() ? 0 : *std::max_element(late_.begin(), late_.end()); }
    [[nodiscard]] double percentile_ms(double share)
    {
        std::sort(late_.begin(), late_.end());
        return late_.at(static_cast<std::size_t>(share * static_cast<double>(late_.size() - 1)));
    }

private:
    void arm()
    {
        timer_.expires_after(period);
        timer_.async_wait([this](const boost::system::error_code&) {
            late_.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now()
                                                                      - timer_.expiry())
                                .count());
            if (!stopped_)
                arm();
        });
    }
    asio::steady_timer timer_;
    std::vector<double> late_;
    bool stopped_ = false;
};

asio::awaitable<void> ingest_for_a_while(weir::engine& engine, std::string path)
{
    const auto until = std::chrono::steady_clock::now() + duration;
    while (std::chrono::steady_clock::now() < until) {
        weir::null_sink sink;
        co_await weir::run_flow(engine, weir::open_file(engine, path), sink);
    }
}

struct lateness {
    double p99;
    double worst;
};

lateness beside_ingest(const std::string& path)
{
    asio::io_context context;
    weir::engine engine(context.get_executor());
    late_timer timer(context);
    std::exception_ptr failure;
    asio::co_spawn(context, ingest_for_a_while(engine, path), [&](std::exception_ptr thrown) {
        failure = std::move(thrown);
        timer.stop();
    });
    context.run();
    if (failure)
        std::rethrow_exception(failure);
    return {timer.percentile_ms(0.99), timer.worst_ms()};
}

lateness beside_spinning()
{
    asio::io_context context;
    late_timer timer(context);
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < weir::default_worker_count(); ++i)
        threads.emplace_back([&] {
            while (!stop.load(std::memory_order_relaxed))
                ;
        });
    asio::steady_timer end(context, duration);
    end.async_wait([&](const boost::system::error_code&) { timer.stop(); });
    context.run();
    stop = true;
    for (std::thread& each : threads)
        each.join();
    return {timer.percentile_ms(0.99), timer.worst_ms()};
}

std::string make_file()
{
    std::string path = (std::filesystem::temp_directory_path() / "weir-timer-XXXXXX").string();
    const int made = mkstemp(path.data());
    if (made < 0)
        throw std::runtime_error("no temporary file");
    close(made);
    std::ofstream out(path, std::ios::binary);
    const bench::byte_vector data = bench::random_bytes(64_MiB, 1);
    for (int i = 0; i < 8; ++i)
        out.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
    return path;
}

} // namespace

int main(int argc, char** argv)
{
    std::printf("%s\n", bench::cpu_name().c_str());
    const std::string path = argc > 1 ? argv[1] : make_file();
    std::vector<double> p99, worst, spinning;
    for (int round = 0; round < 3; ++round) {
        const lateness ours = beside_ingest(path);
        const lateness theirs = beside_spinning();
        p99.push_back(ours.p99);
        worst.push_back(ours.worst);
        spinning.push_back(theirs.worst);
        std::printf("lateness of a 1 ms timer: p99 %.3f ms, most %.2f ms; beside spinning threads p99 %.3f ms, most "
                    "%.2f ms\n",
                    ours.p99, ours.worst, theirs.p99, theirs.worst);
    }
    if (argc == 1)
        std::filesystem::remove(path);
    bench::publish({"timer lateness p99 beside an ingest", bench::median(p99), "", 0, "ms", 1, 1, true});
    bench::publish({"timer lateness, most, beside an ingest", bench::median(worst), "spinning threads + 2 ms",
                    bench::median(spinning) + 2, "ms", 1, 1, true});
}
