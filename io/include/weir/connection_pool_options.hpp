#pragma once
// What a pool of connections can be told, and what it tells: limits, times, reasons, numbers.

#include <weir/export.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <string_view>

namespace weir {

class observer;
class registry;

/// Why a connection left its pool.
enum class close_reason : std::uint8_t {
    idle,           ///< nobody wanted it for `idle_limit`
    lifetime,       ///< it was as old as a connection may become
    broken,         ///< its user marked it, or `usable` of the manager said no
    unhealthy,      ///< `check` of the manager failed
    not_recycled,   ///< `recycle` of the manager failed, or took too long
    evicted,        ///< it made room for a connection with another key
    surplus,        ///< there were more than `max_idle`, or than a new limit allows
    drained,        ///< the pool was drained, or told to close what is idle
    pool_closed,    ///< the pool was closed, or destroyed
    closed_by_user, ///< `pooled::close()`
    detached,       ///< `pooled::detach()`: it lives on outside
};
inline constexpr std::size_t close_reason_count = 11;

/// For reports: the name with blanks, such as `closed by user`.
[[nodiscard]] WEIR_API std::string_view to_string(close_reason reason) noexcept;

/// Which of several idle connections is lent next.
enum class reuse_order : std::uint8_t {
    newest_first, ///< the last that came back: few connections stay warm, the others reach their idle limit
    oldest_first, ///< in turns: all stay warm, load is spread
};

/// What becomes of a connection that is being made when those who waited for it have left or were served otherwise.
enum class unwanted_connection : std::uint8_t {
    keep,   ///< it is finished, and goes to the next who comes, or lies idle
    cancel, ///< its making is cancelled
};

struct connection_pool_options {
    using duration = std::chrono::steady_clock::duration;
    /// For every limit of time below: there is none.
    static constexpr duration unlimited = duration::max();

    std::string name = "connections"; ///< for the observer and the registry

    /// Both count what is being made and what is being closed too: they hold at each moment.
    std::size_t max_total = 64;
    std::size_t max_per_key = 16;
    /// Of all keys together; above it the one that has been idle for longest is closed.
    std::size_t max_idle = 64;
    /// How many may wait for whom no connection is on its way; who comes then gets `errc::queue_full`.
    std::size_t max_waiters = 1024;

    /// How long somebody may wait while no connection is on its way to them; then `errc::pool_timeout`.
    duration wait_limit = std::chrono::seconds(30);
    duration create_limit = std::chrono::seconds(10); ///< of one attempt; then `errc::connect_timeout`
    duration recycle_limit = std::chrono::seconds(5); ///< of one `recycle`, and of one `check`
    duration close_limit = std::chrono::seconds(2);   ///< of one `close`, then the connection is just dropped

    /// A failure that is worth retrying is told to nobody before there were so many attempts. Between them is a pause
    /// of up to `retry_pause`, then up to twice that, and so on, chosen at random.
    unsigned create_attempts = 1;
    duration retry_pause = std::chrono::milliseconds(100);

    /// Idle for longer, a connection is checked before it is lent. 0: always; `unlimited`: never.
    duration check_when_idle_for = std::chrono::seconds(1);
    duration check_every = unlimited;               ///< of each connection while it is idle
    duration idle_limit = std::chrono::seconds(60); ///< does not concern connections that are kept warm
    duration max_lifetime = std::chrono::minutes(30);
    /// The lifetime of each connection is shorter than the maximum by up to this share of it, at random: they do not
    /// all end together. 0 to 1.
    double lifetime_jitter = 0.1;
    duration held_limit = unlimited; ///< lent for longer, a connection is reported, once

    reuse_order order = reuse_order::newest_first;
    /// By default the work that was put into a connection is kept: who left was often one of many, and a server sees
    /// less of half-open connections. `cancel` where each connection is dear.
    unwanted_connection unwanted = unwanted_connection::keep;

    registry* resources = nullptr; ///< where connections and the pool are registered; outlives both
    weir::observer* observer = nullptr; ///< told of connections made and closed, waits that ended, and those held too long

    /// Told of each connection that has been lent for longer than `held_limit`, on the pool's executor.
    std::function<void(std::string_view key, std::chrono::nanoseconds held)> on_held_too_long = {};
};

/// A program's own functions at the turns of a connection's life. They run wherever the turn is taken, with no lock
/// held, until the last connection is gone: what they refer to outlives the executor's context.
template <class Key, class Connection> struct connection_hooks {
    /// A new connection, before anybody gets it. If it throws, that is a failure to create.
    std::function<void(const Key&, Connection&)> created = {};
    /// One that came back and is about to be lent again. If it throws, the connection is closed.
    std::function<void(const Key&, Connection&)> recycled = {};
    /// One is gone. What it throws is lost.
    std::function<void(const Key&, close_reason)> closed = {};
    /// An attempt to create one failed; `failure` has the whole text. What it throws is lost.
    std::function<void(const Key&, std::exception_ptr failure)> failed = {};
};

/// How long waits were: bucket i counts those below 2^i microseconds that no earlier bucket counts.
struct wait_histogram {
    static constexpr std::size_t bucket_count = 32;
    std::array<std::uint64_t, bucket_count> buckets{};

    WEIR_API void add(std::chrono::nanoseconds wait) noexcept;
    [[nodiscard]] WEIR_API std::uint64_t count() const noexcept;
    /// The wait that `share` (0 to 1) of all did not exceed, rounded up to a bucket's bound; 0 where nobody waited.
    [[nodiscard]] WEIR_API std::chrono::microseconds quantile(double share) const noexcept;
};

/// The numbers of a pool: what is now, then what was since it was made.
struct connection_pool_statistics {
    std::size_t total = 0; ///< all of the next six
    std::size_t creating = 0;
    std::size_t checking = 0;
    std::size_t idle = 0;
    std::size_t borrowed = 0;
    std::size_t recycling = 0;
    std::size_t closing = 0;
    std::size_t waiting = 0;
    std::size_t keys = 0; ///< that have connections or waiters, or are kept warm

    std::size_t peak_total = 0;
    std::uint64_t acquired = 0;  ///< connections lent
    std::uint64_t waits = 0;     ///< acquisitions that found nothing ready
    std::uint64_t timeouts = 0;  ///< waits that ended by a limit of time
    std::uint64_t cancelled = 0; ///< waits that their caller cancelled
    std::uint64_t refused = 0;   ///< acquisitions that found the queue full
    std::uint64_t created = 0;
    std::uint64_t create_failures = 0; ///< attempts
    std::uint64_t recycled = 0;        ///< came back to be used again
    std::uint64_t held_too_long = 0;
    std::array<std::uint64_t, close_reason_count> closed{}; ///< by `close_reason`
    wait_histogram wait_times;                              ///< of the waits that ended with a connection

    [[nodiscard]] std::uint64_t closed_for(close_reason reason) const noexcept
    {
        return closed[static_cast<std::size_t>(reason)];
    }
};

/// A connection that is lent for long.
struct held_connection {
    std::string key;
    std::chrono::nanoseconds held{0};
};

} // namespace weir
