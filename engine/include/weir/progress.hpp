#pragma once
// How far a piece of work is: stages with weights, an overall share, rates and the time that is left.

#include <weir/export.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir {

struct progress_stage {
    std::string name;
    double weight = 1;                       ///< its part of the whole, relative to the others'
    std::optional<std::uint64_t> total = {}; ///< units (bytes, files); nothing: not known yet
};

/// A look at the work, made at one moment.
struct progress_snapshot {
    struct stage {
        std::string name;
        std::uint64_t done = 0;
        std::optional<std::uint64_t> total;
        std::optional<double> share; ///< 0 to 1; nothing while the total is unknown
        double rate = 0;             ///< units per second, of late
        bool finished = false;
    };
    std::vector<stage> stages;
    std::optional<double> share;                  ///< of the whole, 0 to 1; nothing while a stage's is unknown
    std::optional<std::chrono::nanoseconds> left; ///< nothing while it cannot be told
    std::chrono::nanoseconds elapsed{0};
};

/// Counts done work. Adding is one relaxed atomic addition, for the hottest loops; looking takes a lock.
///
/// \par Thread-safety
/// All members from any thread.
class WEIR_API progress {
public:
    using clock = std::chrono::steady_clock;

    /// \throws weir::error  `errc::bad_configuration` without stages, or for a weight that is not above 0
    explicit progress(std::vector<progress_stage> stages, clock::time_point now = clock::now());
    ~progress();

    /// \pre `stage` is below the number of stages, here and in all below
    void add(std::size_t stage, std::uint64_t units) noexcept;
    /// Totals may be learnt late, and grow as a tree is walked; done work above the total counts as the total.
    void set_total(std::size_t stage, std::uint64_t units) noexcept;
    void add_total(std::size_t stage, std::uint64_t units) noexcept;
    /// Nothing more will come: its share is 1, whatever was done.
    void finish(std::size_t stage) noexcept;

    /// Rates follow the last seconds: each look weighs in by the time since the look before.
    [[nodiscard]] progress_snapshot snapshot(clock::time_point now = clock::now());

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace weir
