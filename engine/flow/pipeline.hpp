#pragma once
// What a chunk_stream shares with its work: the coroutine that reads and cuts, the tasks that digest.

#include "alarm.hpp"
#include "chunk_builder.hpp"
#include "flow_ledger.hpp"

#include <weir/chunk_stream.hpp>
#include <weir/detail/async_event.hpp>
#include <weir/registry.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/strand.hpp>

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir {

/// One stream at work. Owned by the stream and by each of its running tasks: a stream that is dropped does not wait.
///
/// Three sides meet here. The producer (one coroutine on `strand_`) reads, cuts, and fills `open_`. Digest tasks run
/// on the worker pool, one a unit. The consumer takes finished units in order. `mutex_` guards what they share.
class chunk_stream::pipeline final : public cleanable,
                                     public detail::metered,
                                     public std::enable_shared_from_this<pipeline> {
public:
    pipeline(engine& owner, std::unique_ptr<source> input, const stream_options& options);

    ~pipeline() override { ledger_->leave(*this); }

    /// Makes it known to the registry of its engine. \throws weir::error  `errc::closed`: too late for that
    void enlist(engine& owner);

    // The registry's side (pipeline_cleanup.cpp): consumers get `errc::closed` from now on.
    [[nodiscard]] boost::asio::awaitable<void> release() override;
    bool force_release() noexcept override;

    // The consumer's side.
    static void start(const std::shared_ptr<pipeline>& self); ///< once
    /// The next unit if it is there; null if one has to wait, or at the end (then `ended`).
    /// \throws what ended the stream
    detail::unit* take(bool& ended);
    void recycle(detail::unit* used) noexcept; ///< null is fine
    static void cancel(const std::shared_ptr<pipeline>& self);
    /// `take` throws `errc::closed` from now on. \returns  the source of a stream that was not started
    [[nodiscard]] std::unique_ptr<source> refuse_next();
    void drop_queue() noexcept; ///< all but what the consumer has; \pre finished()
    void strike_off() noexcept; ///< of the registry: nothing is left to clean up
    [[nodiscard]] bool started() const;
    [[nodiscard]] bool finished() const;
    [[nodiscard]] bool cancelled() const;

    detail::async_event ready;   ///< a unit was finished, or the stream ended
    detail::async_event drained; ///< the producer and all digests have come to their end

    [[nodiscard]] const chunker_options& sizes() const noexcept { return builder_.chunker().options(); }
    [[nodiscard]] std::string kernels() const;
    [[nodiscard]] flow_statistics statistics() const noexcept;
    [[nodiscard]] flow_statistics meter() const noexcept override;
    stage_clock stages;

private:
    class last_word;
    class digest_task;
    /// It passes through them in this order, and may leave out the two in the middle.
    enum class producer { unstarted, posted, running, ended };
    /// Who will take no more units: the consumer, or whoever does by order of the registry.
    enum class refusal { none, closed, abandoned };
    static boost::asio::awaitable<void> run(std::shared_ptr<pipeline> self, last_word word);
    void begin();
    boost::asio::awaitable<void> produce(const std::shared_ptr<pipeline>& self);
    boost::asio::awaitable<bytes> read_source();
    [[nodiscard]] std::optional<stage> held_up_by(bool starved) const;
    void look_for_stall() noexcept;
    boost::asio::awaitable<void> ensure_open_unit();
    boost::asio::awaitable<void> finish_digests();
    void flush_when_reading_waits(const std::shared_ptr<pipeline>& self);
    void flush_if_late(const std::shared_ptr<pipeline>& self);
    detail::unit* idle_unit();
    [[nodiscard]] bool open_unit_is_full() const noexcept;
    void cut(const bytes& piece);
    static void dispatch(const std::shared_ptr<pipeline>& self);
    static void post_digest(const std::shared_ptr<pipeline>& self, detail::unit* target) noexcept;
    static void digest_turn(const std::shared_ptr<pipeline>& self, detail::unit* target);
    void digested(detail::unit* target, bool done) noexcept;
    void end(std::exception_ptr failure) noexcept;
    void abandon();
    [[nodiscard]] bool lends() const;

    worker_pool& workers_;
    buffer_pool& pool_;
    weir::observer* observer_;
    std::chrono::milliseconds stall_after_;
    registry& resources_;
    std::shared_ptr<detail::flow_ledger> ledger_;
    const std::string name_; ///< of the source
    std::size_t block_bytes_;
    hash_algorithm hash_;
    /// From the start to the end of the producer: a stream may outlive the engine before and after.
    std::optional<boost::asio::strand<worker_pool::executor_type>> strand_;
    /// Emitted on the strand only. The producer owns it: it refers to the workers too.
    std::weak_ptr<boost::asio::cancellation_signal> signal_;
    std::chrono::steady_clock::time_point started_at_;
    std::chrono::steady_clock::time_point lent_at_; ///< the last unit that the consumer took, which alone uses this

    // The producer's, on its strand.
    struct progress {
        std::uint64_t position = 0;
        std::uint64_t taken = 0;
        std::chrono::nanoseconds starved{0};
    };
    progress seen_; ///< by the last look for a stall
    std::chrono::nanoseconds stalled_for_{0};
    bool stall_told_ = false;
    std::optional<detail::alarm> stall_alarm_; ///< if there is an observer
    std::optional<detail::alarm> flush_alarm_;

    std::unique_ptr<source> source_;
    std::optional<reservation> memory_;
    detail::chunk_builder builder_;
    detail::unit* open_ = nullptr; ///< being filled
    bool reading_ = false;
    bool waits_for_room_ = false;
    std::chrono::nanoseconds starved_{0}; ///< of `memory_->waited()`, what is in the statistics
    bool flush_posted_ = false;
    std::uint64_t late_unit_ = 0; ///< which one the alarm was set for, by `dispatched_`
    std::uint64_t dispatched_ = 0;
    std::size_t memory_blocks_ = 0; ///< promised to the stream
    std::size_t read_bytes_;       ///< asked of the source at a time
    std::size_t unit_chunks_;      ///< a unit has at least so many
    std::size_t unit_bytes_;       ///< or, where memory is short, at least these

    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<detail::unit>> units_; ///< all of them
    std::vector<detail::unit*> idle_;
    std::vector<detail::unit*> queue_; ///< dispatched and not yet taken, in the order of the stream
    detail::unit* lent_ = nullptr; ///< with the consumer
    std::uint64_t taken_ = 0;      ///< units that it had so far
    std::size_t digesting_ = 0;
    producer producer_ = producer::unstarted;
    bool cancelled_ = false; ///< the producer was asked to end
    refusal refused_ = refusal::none;
    std::exception_ptr failure_;
    registration entry_;
    detail::async_event room_; ///< a unit became idle
    detail::async_event returned_; ///< abandoned, and the consumer has nothing any more
    detail::async_event digests_ended_; ///< all that are under way
};

} // namespace weir
