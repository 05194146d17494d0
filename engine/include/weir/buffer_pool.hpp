#pragma once
// Where blocks of memory come from: tiers of fixed-size blocks under one limit, and mapped regions above them.

#include <weir/buffer.hpp>
#include <weir/detail/pending.hpp>
#include <weir/export.hpp>
#include <weir/reservation.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace weir {

/// Blocks of one size and how many of them there may be.
struct pool_tier {
    std::size_t block_bytes = 0;
    std::size_t max_blocks = 0;
};

struct pool_options {
    /// In any order; no two of one size.
    std::vector<pool_tier> tiers = {{std::size_t(64) << 10, 1024}, {std::size_t(1) << 20, 128}};
    /// The hard limit of all tiers together. Memory that is free counts too, until it is given back; a tier
    /// that needs some takes it from what lies idle in the others.
    std::size_t max_bytes = std::size_t(192) << 20;
    /// What is larger than every tier's block is mapped by itself, outside of `max_bytes`: so many at a time,
    std::size_t max_mapped = 16;
    /// and so large at most.
    std::size_t max_mapped_bytes = std::size_t(1) << 30;
    /// Blocks that nobody used for so long give their memory back to the system. 0: only `shrink()` does.
    /// Costs a thread that sleeps.
    std::chrono::milliseconds idle_trim{0};
    /// Asks for 2 MiB pages. Direct reads get twice as fast; the first use of a block may then cost the memory
    /// of its neighbours too, up to 2 MiB.
    bool huge_pages = false;
};

/// The numbers of one tier since the pool was made.
struct tier_statistics {
    std::size_t block_bytes = 0;   ///< capacity of a block; of a mapped region the largest allowed
    std::size_t max_blocks = 0;    ///< how many there may be
    std::size_t allocated = 0;     ///< how many have memory now: in use or free
    std::size_t in_use = 0;        ///< held by buffers, slices and reservations
    std::size_t reserved = 0;      ///< promised by reservations, taken or not
    std::size_t available = 0;     ///< allocated and free
    std::size_t peak = 0;          ///< the most in use at a time
    std::uint64_t acquisitions = 0;///< blocks that left the pool, for whatever reason
    std::uint64_t releases = 0;    ///< blocks that came back
    std::uint64_t failures = 0;    ///< refused attempts, and waits that ended by error or deadline
    std::uint64_t waits = 0;       ///< acquisitions and reservations that had to wait
    std::chrono::nanoseconds waited{0}; ///< for how long, together; those that still wait do not count
};

struct pool_statistics {
    std::vector<tier_statistics> tiers; ///< by block size, ascending
    tier_statistics mapped;             ///< the regions above the largest tier
    std::size_t max_bytes = 0;          ///< the hard limit of the tiers
    std::size_t allocated_bytes = 0;    ///< of the tiers
    std::size_t in_use_bytes = 0;       ///< of the tiers
    std::size_t available_bytes = 0;    ///< allocated and free
    std::size_t peak_bytes = 0;         ///< the most allocated at a time
    std::size_t mapped_bytes = 0;       ///< in mapped regions, outside of the limit
    std::size_t waiting = 0;            ///< acquisitions and reservations that wait now
    // The sums over tiers and mapped regions.
    std::uint64_t acquisitions = 0;
    std::uint64_t releases = 0;
    std::uint64_t failures = 0;
    std::uint64_t waits = 0;
    std::chrono::nanoseconds waited{0};
};

namespace detail {
class pool_state;
class periodic_task;
using deadline = std::chrono::steady_clock::time_point;
WEIR_API void start_acquire(std::shared_ptr<pool_state> pool, std::size_t bytes, deadline limit,
                            buffer_completion done);
WEIR_API void start_reserve(std::shared_ptr<pool_state> pool, std::size_t blocks, std::size_t block_bytes,
                            deadline limit, reservation_completion done);
} // namespace detail

/// A pool of memory with a hard limit: who wants more than there is gets nothing, or waits.
///
/// A request gets a block of the smallest tier that fits, with that tier's whole capacity. Blocks are made
/// when first needed and kept for the next user; their pages cost nothing before they are touched.
///
/// Waiting is first come, first served within a tier, for single blocks and reservations alike; nobody takes a
/// block past those who wait for one. Where tiers compete for the byte limit, the oldest is served first.
///
/// Destruction closes the pool: whoever waits gets `errc::closed`, what is free goes back to the system, and
/// what is still in use stays valid and goes back when its last buffer or slice dies.
/// \par Thread-safety
/// All functions but construction and destruction: any threads at once.
class WEIR_API buffer_pool {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// \throws weir::error  `errc::bad_configuration`; the message names the option and its value.
    explicit buffer_pool(pool_options options = {});
    buffer_pool(const buffer_pool&) = delete;
    buffer_pool& operator=(const buffer_pool&) = delete;
    ~buffer_pool();

    [[nodiscard]] const pool_options& options() const noexcept;

    /// Takes a block of at least `bytes`; nothing if the limit is reached or others wait.
    /// \throws weir::error  `errc::invalid_size`: 0, or more than the largest mapped region.
    /// \par Cost
    /// Constant. Takes a lock that other threads rarely want; the pool's own lock only to grow or to fail.
    [[nodiscard]] std::optional<buffer> try_acquire(std::size_t bytes);

    /// As `try_acquire`, but throws `errc::exhausted` if the limit is reached or others wait.
    [[nodiscard]] buffer acquire_now(std::size_t bytes);

    /// Takes a block of at least `bytes`, or waits for one.
    ///
    /// The token completes with `void(error_code, buffer)`; the buffer is empty with every error.
    /// \param limit  when to give up
    /// \par Errors
    ///   `errc::invalid_size`: 0, or more than the largest mapped region.
    ///   `errc::deadline_exceeded`: no block was free by `limit`.
    ///   `errc::closed`: the pool was destroyed.
    ///   `ENOMEM`: the system has no memory.
    /// \par Cancellation
    /// terminal, partial, total: no block is lost, and those behind are not delayed.
    /// \par Executor
    /// Completes by a post to the handler's executor (the system executor where it has none). Its context must
    /// outlive the wait.
    template <boost::asio::completion_token_for<void(boost::system::error_code, buffer)> Token>
    auto async_acquire(std::size_t bytes, time_point limit, Token&& token)
    {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, buffer)>(
            [](auto handler, std::shared_ptr<detail::pool_state> pool, std::size_t wanted, time_point until) {
                detail::start_acquire(std::move(pool), wanted, until, detail::buffer_completion(std::move(handler)));
            },
            token, state_, bytes, limit);
    }
    template <boost::asio::completion_token_for<void(boost::system::error_code, buffer)> Token>
    auto async_acquire(std::size_t bytes, Token&& token)
    {
        return async_acquire(bytes, time_point::max(), std::forward<Token>(token));
    }

    /// Has `blocks` blocks of the smallest tier that holds `block_bytes` promised, all or none; nothing if they
    /// are not free now, or others wait.
    /// \throws weir::error
    ///   `errc::invalid_size`: no blocks, or of 0 bytes or more than any tier has.
    ///   `errc::pool_too_small`: the limits are below that; the message says what is needed and what there is.
    [[nodiscard]] std::optional<reservation> try_reserve(std::size_t blocks, std::size_t block_bytes);

    /// As `try_reserve`, but waits until all are free; meanwhile nobody behind it gets a block of that tier.
    ///
    /// The token completes with `void(error_code, reservation)`. Errors besides those of `async_acquire`:
    /// `errc::pool_too_small`; call `ensure_can_reserve` first for one that says how much is needed.
    /// Cancellation and executor as `async_acquire`.
    template <boost::asio::completion_token_for<void(boost::system::error_code, reservation)> Token>
    auto async_reserve(std::size_t blocks, std::size_t block_bytes, time_point limit, Token&& token)
    {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, reservation)>(
            [](auto handler, std::shared_ptr<detail::pool_state> pool, std::size_t count, std::size_t wanted,
               time_point until) {
                detail::start_reserve(std::move(pool), count, wanted, until,
                                      detail::reservation_completion(std::move(handler)));
            },
            token, state_, blocks, block_bytes, limit);
    }
    template <boost::asio::completion_token_for<void(boost::system::error_code, reservation)> Token>
    auto async_reserve(std::size_t blocks, std::size_t block_bytes, Token&& token)
    {
        return async_reserve(blocks, block_bytes, time_point::max(), std::forward<Token>(token));
    }

    /// Throws what `try_reserve` would if such a reservation could never be had; else does nothing.
    void ensure_can_reserve(std::size_t blocks, std::size_t block_bytes) const;

    /// Gives the memory of all free blocks back to the system.
    /// \returns  how many bytes
    std::size_t shrink();

    /// As `shrink()`, and starts the peaks of the statistics anew.
    void clear();

    [[nodiscard]] pool_statistics statistics() const;

    /// Whether the pool's books agree with its blocks: none lost, none twice, no limit passed, nobody waiting for
    /// what is free. For tests and watchdogs; stops the pool for a moment.
    [[nodiscard]] bool check() const;

private:
    std::shared_ptr<detail::pool_state> state_;
    std::unique_ptr<detail::periodic_task> trimmer_;
};

} // namespace weir
