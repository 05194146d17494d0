#pragma once
// The threads on which CPU work runs: cutting, digesting, encoding, and reads of cached files.
//
// They run an Asio executor of their own, so that the caller's I/O executor never waits for them and its timers
// stay on time. Several engines may share one pool (a service with one io_context per thread has one of each).

#include <weir/export.hpp>

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace weir {

namespace detail {
class context_watch;
}

struct worker_options {
    std::size_t threads = 0;                       ///< 0: `default_worker_count()`; at most 1024
    std::size_t stack_bytes = std::size_t{8} << 20; ///< stack of each thread; at least 256 KiB, rounded up to pages
};

/// The cores that this process may use, by its CPU affinity and its cgroup's CPU quota (rounded up); 1 to 16.
[[nodiscard]] WEIR_API std::size_t default_worker_count();

/// What the workers did so far. A task is one turn of cutting, digesting or encoding.
struct worker_statistics {
    std::size_t threads = 0;
    std::uint64_t active = 0; ///< being run now
    std::uint64_t done = 0;   ///< ended normally
    std::uint64_t failed = 0; ///< ended by an exception
};

/// A fixed number of threads that run one executor.
///
/// \par Thread-safety
/// All members from any thread, but the destructor.
class WEIR_API worker_pool {
public:
    using executor_type = boost::asio::io_context::executor_type;

    /// Starts the threads.
    /// \throws weir::error  `errc::bad_configuration` for an option out of range;
    ///                      system category when a thread cannot be made (`EAGAIN`).
    explicit worker_pool(const worker_options& options = {});
    worker_pool(const worker_pool&) = delete;
    worker_pool& operator=(const worker_pool&) = delete;

    /// Waits until each thread has ended the handler that it is in, then drops what is queued: suspended
    /// coroutines are destroyed. Everything of weir yields after about 2 ms, so this is short; it must not run
    /// on one of the pool's own threads (asserted), and comes before the end of any io_context that the pool's
    /// tasks complete on (declare the io_context first).
    ~worker_pool();

    [[nodiscard]] executor_type executor() noexcept;
    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] worker_statistics statistics() const noexcept;

    /// Counts one task for the statistics, from its construction to its end; failed when it ends by an exception.
    class WEIR_API task_scope {
    public:
        explicit task_scope(worker_pool& pool) noexcept;
        task_scope(const task_scope&) = delete;
        task_scope& operator=(const task_scope&) = delete;
        ~task_scope();

    private:
        worker_pool& pool_;
        int exceptions_;
    };

private:
    friend class detail::context_watch;
    /// The first half of the destructor: the threads end, and what is queued stays.
    void stop() noexcept;

    struct state;
    std::unique_ptr<state> state_;
};

} // namespace weir
