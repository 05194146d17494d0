#pragma once
// The io_uring of one io_context. It is touched under one mutex only: whichever threads run the io_context take turns.
//
//   start (any thread) --> queue --> turn (on the loop): drain completions, refill, one submit, look again
//                                      ^                                   |
//                                      +--- eventfd --- kernel: in flight -+
//
// What is in flight is lent to the kernel: nothing is freed before its completion arrives, cancelled or not.

#include "files/read_service.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <liburing.h>

#include <mutex>
#include <optional>

namespace weir::detail {

class ring_service final : public boost::asio::execution_context::service, public read_service {
public:
    static boost::asio::execution_context::id id;

    explicit ring_service(boost::asio::execution_context& context);
    ~ring_service();

    /// Makes the ring the first time; its turns are posted to this executor. \returns whether there is one.
    bool open(const boost::asio::any_io_executor& executor, std::string& reason);

    void start(std::unique_ptr<read_operation> operation) override;
    void cancel(std::uint64_t id) noexcept override;
    read_counters& counters() noexcept override { return counters_; }
    weir::backend kind() const noexcept override { return backend::uring; }

private:
    void shutdown() override;
    void notify_fork(boost::asio::execution_context::fork_event event) override;

    void open_ring();
    void post_turn();
    void hasten_turn() noexcept;
    void turn();
    void serve_ring();
    void collect();
    void finish(read_operation& operation, long outcome);
    void end(std::unique_ptr<read_operation> operation, std::error_code failure, std::size_t count);
    void refill();
    void prepare_cancels();
    void drain();
    void wait_or_go_on();
    void arm();
    void disarm();
    void close_in_child();

    std::mutex mutex_;                     // guards everything below but the counters
    boost::asio::any_io_executor loop_;
    std::optional<boost::asio::posix::stream_descriptor> wake_;
    io_uring ring_{};
    bool ready_ = false;
    std::string reason_;                   // why not ready
    bool closed_ = false;
    bool turn_posted_ = false;
    bool armed_ = false;                   // a wait for the eventfd is under way: work for the io_context
    std::uint64_t wait_ = 0;               // which one
    operation_list queue_;
    operation_list lent_;
    bool cancels_due_ = false;             // of what is lent
    operation_list results_;               // of this turn
    read_counters counters_;
};

} // namespace weir::detail
