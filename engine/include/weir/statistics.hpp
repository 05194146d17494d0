#pragma once
// What readers and stages did, as plain values, and the clock that finds out which stage held the others back.

#include <weir/export.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// The steps that every flow has, in the order of the data.
enum class stage : std::uint8_t { read, cut, digest, sink };
inline constexpr std::size_t stage_count = 4;

/// `read`, `cut`, `digest`, `sink`: what events and reports call a stage.
[[nodiscard]] WEIR_API std::string_view to_string(stage which) noexcept;

/// One stage's share in a flow.
struct stage_statistics {
    std::chrono::nanoseconds busy{0};    ///< at work; summed over the workers where several work on it
    std::chrono::nanoseconds waiting{0}; ///< could have worked, but had no input, no room or no worker
    std::size_t width = 1;               ///< how many workers it may use at a time
    std::uint64_t bytes = 0;
    std::uint64_t items = 0; ///< reads, cuts, digests, chunks written
};

using stage_snapshot = std::array<stage_statistics, stage_count>; ///< by `stage`

/// Adds the times and counts of `more` to `sum`; the greater width stays.
WEIR_API void add(stage_snapshot& sum, const stage_snapshot& more) noexcept;

/// The stage that held the others back: the one that was busy for the greatest part of what its width allows.
/// \returns  nothing when no stage has been busy
[[nodiscard]] WEIR_API std::optional<stage> bottleneck(const stage_snapshot& stages) noexcept;

/// Adds up busy and waiting times of the stages of one flow. Two looks at the clock and two relaxed additions a span:
/// meant for turns, batches and blocks, not for single chunks.
///
/// \par Thread-safety
/// All members from any thread.
class WEIR_API stage_clock {
public:
    using clock = std::chrono::steady_clock;

    /// Measures from its construction to its end.
    class span {
    public:
        explicit span(std::atomic<std::int64_t>& sum) noexcept : sum_(sum), started_(clock::now()) {}
        span(const span&) = delete;
        span& operator=(const span&) = delete;
        ~span() { sum_.fetch_add(nanoseconds_since(started_), std::memory_order_relaxed); }

    private:
        std::atomic<std::int64_t>& sum_;
        clock::time_point started_;
    };

    [[nodiscard]] span busy(stage which) noexcept { return span(of(which).busy); }
    [[nodiscard]] span waiting(stage which) noexcept { return span(of(which).waiting); }

    void add_busy(stage which, std::chrono::nanoseconds time) noexcept
    {
        of(which).busy.fetch_add(time.count(), std::memory_order_relaxed);
    }
    void add_waiting(stage which, std::chrono::nanoseconds time) noexcept
    {
        of(which).waiting.fetch_add(time.count(), std::memory_order_relaxed);
    }
    void count(stage which, std::uint64_t bytes, std::uint64_t items = 1) noexcept
    {
        of(which).bytes.fetch_add(bytes, std::memory_order_relaxed);
        of(which).items.fetch_add(items, std::memory_order_relaxed);
    }
    void set_width(stage which, std::size_t workers) noexcept
    {
        of(which).width.store(workers, std::memory_order_relaxed);
    }

    [[nodiscard]] stage_snapshot snapshot() const noexcept;

private:
    struct counters {
        std::atomic<std::int64_t> busy{0};
        std::atomic<std::int64_t> waiting{0};
        std::atomic<std::uint64_t> bytes{0};
        std::atomic<std::uint64_t> items{0};
        std::atomic<std::size_t> width{1};
    };
    static std::int64_t nanoseconds_since(clock::time_point start) noexcept
    {
        return std::chrono::nanoseconds(clock::now() - start).count();
    }
    counters& of(stage which) noexcept { return counters_[static_cast<std::size_t>(which)]; }

    std::array<counters, stage_count> counters_;
};

/// What one flow did, or several together.
struct flow_statistics {
    std::uint64_t bytes = 0;
    std::uint64_t chunks = 0;
    std::uint64_t unique_chunks = 0;
    std::uint64_t unique_bytes = 0;
    bool unique_exact = true; ///< false: the two above are estimates
    std::chrono::nanoseconds elapsed{0};
    stage_snapshot stages{};

    /// Bytes over unique bytes: 1 when nothing occurs twice, when there is nothing, and where unique chunks are not counted.
    [[nodiscard]] WEIR_API double dedup_ratio() const noexcept;
    /// Bytes per second; 0 before any time has passed.
    [[nodiscard]] WEIR_API double throughput() const noexcept;
    [[nodiscard]] std::optional<stage> slowest_stage() const noexcept { return bottleneck(stages); }
};

/// What the readers of one back end did.
struct reader_statistics {
    std::string_view backend = {}; ///< "uring", "threads", "mmap"; static
    std::string fallback;          ///< why the preferred back end is not used; empty when it is
    std::uint64_t reads = 0;
    std::uint64_t bytes = 0;
    std::uint64_t direct_reads = 0; ///< done at once by the thread that asked, from the page cache
    std::uint64_t direct_refused = 0; ///< files that were to be read around the page cache, and could not be
    std::uint64_t retries = 0;      ///< short reads and interruptions that were taken up again
    std::uint64_t failures = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t peak_in_flight = 0;
    std::chrono::nanoseconds waited{0};
};

/// The most memory that this process has had resident so far (`VmHWM`), in bytes; 0 where the system does not tell.
[[nodiscard]] WEIR_API std::uint64_t peak_memory_bytes() noexcept;

} // namespace weir
