#pragma once
// Blocking reads on a few threads: the back end of systems without io_uring, and of sandboxes that forbid it.

#include "files/read_service.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace weir::detail {

class thread_read_service final : public boost::asio::execution_context::service, public read_service {
public:
    static boost::asio::execution_context::id id;

    explicit thread_read_service(boost::asio::execution_context& context);
    ~thread_read_service();

    void start(std::unique_ptr<read_operation> operation) override;
    /// Ends what waits for a thread; a read that a thread is in goes on to its end.
    void cancel(std::uint64_t id) noexcept override;
    read_counters& counters() noexcept override { return counters_; }
    weir::backend kind() const noexcept override { return backend::threads; }

private:
    void shutdown() override;
    void notify_fork(boost::asio::execution_context::fork_event event) override;

    [[nodiscard]] std::error_code add_thread();
    void stop_threads();
    void run();
    void end(std::unique_ptr<read_operation> operation, std::error_code failure, std::size_t count);

    std::mutex mutex_;                  // guards everything below but the counters
    std::condition_variable wake_;
    operation_list queue_;
    std::vector<std::thread> threads_;
    std::size_t idle_ = 0;
    bool stopping_ = false;             // the threads end; what is queued waits
    bool closed_ = false;
    read_counters counters_;
};

} // namespace weir::detail
