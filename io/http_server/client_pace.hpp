#pragma once
// How long a client may keep an exchange waiting, in one direction.

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace weir::http::detail {

/// Each wait for a client has a limit, which its progress renews. All waits together may last that long, and as long as
/// the bytes that were moved take at the least rate: so a client that moves a byte now and then is not waited for without
/// end. Time that the handler takes does not count.
class client_pace {
public:
    using clock = std::chrono::steady_clock;

    client_pace(std::chrono::milliseconds each_wait, std::uint64_t bytes_per_second) noexcept
        : each_wait_(each_wait), rate_(bytes_per_second)
    {}

    /// Until when a wait that begins at `now` may last.
    [[nodiscard]] clock::time_point limit(clock::time_point now) const noexcept
    {
        using seconds = std::chrono::duration<double>;
        const seconds earned(static_cast<double>(bytes_) / static_cast<double>(rate_));
        const seconds left = each_wait_ + earned - seconds(waited_);
        const seconds most = each_wait_;
        return now + std::chrono::duration_cast<clock::duration>(std::clamp(left, seconds(0), most));
    }

    void waited(clock::duration time) noexcept { waited_ += time; }
    void moved(std::uint64_t bytes) noexcept { bytes_ += bytes; }

private:
    std::chrono::milliseconds each_wait_;
    std::uint64_t rate_; // never 0
    clock::duration waited_{};
    std::uint64_t bytes_ = 0;
};

} // namespace weir::http::detail
