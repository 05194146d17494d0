#pragma once
// What a chunk_compressor shares with the workers' turns and with the batches that it gave.
//
// A call is in one of three states, and memory has one rule for each:
//   admission  takes as many chunks as fit into blocks that are here, however the lanes share them; waits only while
//              that is none, and holds nothing then that another waits for
//   encoding   lanes claim chunks one by one and take blocks as they need them: there always is one
//   between    only lanes have blocks, at most one each, that are not full; and whoever keeps packed chunks
// A call that does not end well leaves what it had to the last lane that works, or frees it if none does; nothing is
// freed under the lock.
// With n lanes, n blocks may be such that are not full when a call begins, and n more when it ends. So all blocks but
// 2n are sure to serve it once all that was given is dropped, and they hold `batch_bytes`: no call can wait for
// itself, nor for another compressor.

#include "packing/packing_lane.hpp"

#include <weir/detail/async_event.hpp>
#include <weir/reservation.hpp>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace weir::codecs {

class packing {
public:
    packing(engine& owner, const chunk_compression_options& options);

    // The caller's side.
    static boost::asio::awaitable<void> prepare(std::shared_ptr<packing> self);
    static boost::asio::awaitable<packed_batch> pack(std::shared_ptr<packing> self, std::span<const chunk> chunks);
    [[nodiscard]] chunk_compression_statistics statistics() const;
    void recycle(std::vector<packed_chunk> records, std::size_t count) noexcept;
    void close() noexcept; ///< the compressor ends: gives its memory back, once no lane runs; batches may live on

    // The lanes' side.
    [[nodiscard]] codec which() const noexcept { return options_.codec; }
    [[nodiscard]] const encoder_settings& settings() const noexcept { return options_.settings; }
    [[nodiscard]] context_pool& contexts() const noexcept { return *contexts_; }
    [[nodiscard]] bool reaches_threshold(std::size_t size) const noexcept;
    [[nodiscard]] std::size_t most_bytes(std::size_t size) const noexcept; ///< of a chunk that pays
    [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }
    [[nodiscard]] packing_task claim() noexcept;
    [[nodiscard]] buffer take_block();

private:
    class turn;
    class departure;
    struct remains {
        std::vector<packed_chunk> records;
        std::vector<buffer> held;
        std::vector<packing_lane> lanes;
        std::optional<reservation> memory;

        [[nodiscard]] bool any() const noexcept;
    };

    [[nodiscard]] reservation& memory();
    void adopt(reservation granted);
    [[nodiscard]] std::size_t admitted(std::span<const chunk> chunks, std::size_t held_blocks) const;
    void begin(std::span<const chunk> chunks, std::vector<buffer> held);
    [[nodiscard]] std::vector<packed_chunk> spare_records();
    static void start_lanes(const std::shared_ptr<packing>& self);
    static void post(const std::shared_ptr<packing>& self, packing_lane& lane) noexcept;
    static void take_turn(const std::shared_ptr<packing>& self, packing_lane& lane) noexcept;
    void ended(packing_lane& lane, std::exception_ptr failure) noexcept;
    static boost::asio::awaitable<void> until_idle(std::shared_ptr<packing> self);
    static boost::asio::awaitable<void> until_encoded(std::shared_ptr<packing> self);
    [[nodiscard]] bool idle() const;
    void abandon() noexcept;
    [[nodiscard]] remains take_unwanted() noexcept;
    void drop_unwanted(std::unique_lock<std::mutex>& lock) noexcept;
    void ensure_open() const;
    [[nodiscard]] packed_batch finish(const std::shared_ptr<packing>& self);
    void count_outcomes();

    const chunk_compression_options options_;
    const std::shared_ptr<context_pool> contexts_;
    const std::size_t block_bytes_;
    const std::size_t blocks_;
    worker_pool& workers_;                     ///< for calls only
    buffer_pool& pool_;                        ///< for calls only
    registry& resources_;                      ///< for calls only

    // Written while no lane works, under the lock; read by the lanes without it.
    std::optional<reservation> memory_;        ///< none where nothing is encoded, or before it was granted
    std::vector<packing_lane> lanes_;          ///< one for each worker
    std::vector<packed_chunk> records_;        ///< the first `count_` are in use
    std::vector<packing_outcome> outcomes_;
    std::size_t count_ = 0;
    std::size_t encoded_ = 0;                  ///< that reach the threshold
    std::atomic<std::size_t> next_{0};         ///< to be claimed
    std::atomic<bool> stopped_{false};

    mutable std::mutex mutex_; // guards what follows
    std::vector<buffer> held_; ///< blocks that were waited for, for the lanes
    std::size_t running_ = 0;  ///< lanes
    bool closed_ = false;
    std::exception_ptr failure_;
    std::vector<std::vector<packed_chunk>> spare_records_; ///< of batches that have gone
    chunk_compression_statistics statistics_;

    detail::async_event idle_; ///< no lane runs; set and reset under the lock, so that it says what `running_` does
};

} // namespace weir::codecs
