#pragma once
// What a back end does: reads at an offset into memory that is lent to the operating system until it is done.

#include <weir/reading.hpp>

#include <boost/asio/execution_context.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace weir::detail {

/// One read. It owns, or keeps alive, the memory, the descriptor and whoever is to be told. The back end owns it from
/// `start` to its end, whatever became of the coroutine that wanted the bytes.
class read_operation {
public:
    read_operation() = default;
    read_operation(const read_operation&) = delete;
    read_operation& operator=(const read_operation&) = delete;
    /// Without `complete` before it: the back end is shut down, and the memory is free again.
    virtual ~read_operation() = default;

    /// The memory is free again. Called once, from any thread, under no lock.
    virtual void complete(std::error_code failure, std::size_t count) noexcept = 0;

    int descriptor = -1;
    std::uint64_t offset = 0;
    std::byte* data = nullptr;
    std::size_t size = 0;
    bool may_be_cached = true; ///< then the kernel copies while it accepts the read: only so many at a time
    std::uint64_t id = 0;      ///< from `next_id()`

private:
    friend class operation_list;
    friend class ring_service;
    friend class thread_read_service;
    void set_result(std::error_code failure, std::size_t count) noexcept
    {
        failure_ = failure;
        count_ = count;
    }

    read_operation* previous_ = nullptr;
    read_operation* next_ = nullptr;
    unsigned retries_ = 0;
    bool cancelled_ = false;
    bool cancel_due_ = false; ///< the ring is still to be told
    std::error_code failure_;
    std::size_t count_ = 0;
};

/// A list that owns operations and allocates nothing.
class operation_list {
public:
    operation_list() = default;
    operation_list(const operation_list&) = delete;
    operation_list& operator=(operation_list&& other) noexcept
    {
        std::swap(first_, other.first_);
        std::swap(last_, other.last_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~operation_list()
    {
        while (pop_front()) {
        }
    }

    [[nodiscard]] bool empty() const noexcept { return !first_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] read_operation* first() const noexcept { return first_; }
    [[nodiscard]] static read_operation* next(const read_operation& operation) noexcept { return operation.next_; }

    void push_back(std::unique_ptr<read_operation> operation) noexcept;
    void push_front(std::unique_ptr<read_operation> operation) noexcept;
    std::unique_ptr<read_operation> remove(read_operation& operation) noexcept;
    std::unique_ptr<read_operation> pop_front() noexcept { return first_ ? remove(*first_) : nullptr; }
    [[nodiscard]] read_operation* find(std::uint64_t id) const noexcept;
    /// Tells every operation its result; the list is empty afterwards.
    void complete_all() noexcept;

private:
    read_operation* first_ = nullptr;
    read_operation* last_ = nullptr;
    std::size_t size_ = 0;
};

/// What the readers of one io_context did, counted from any thread.
struct read_counters {
    std::atomic<std::uint64_t> reads = 0;
    std::atomic<std::uint64_t> bytes = 0;
    std::atomic<std::uint64_t> direct_reads = 0;
    std::atomic<std::uint64_t> direct_refused = 0;
    std::atomic<std::uint64_t> retries = 0;
    std::atomic<std::uint64_t> failures = 0;
    std::atomic<std::uint64_t> in_flight = 0;
    std::atomic<std::uint64_t> peak_in_flight = 0;

    void started() noexcept;
    void finished(std::error_code failure, std::size_t count) noexcept;
    void read_directly(std::size_t count) noexcept;
};

/// A back end. \par Thread-safety: all members from any thread.
class read_service {
public:
    /// Reads; `complete` is called later, never in here. After shutdown the operation is only destroyed.
    virtual void start(std::unique_ptr<read_operation> operation) = 0;
    /// Asks for an early end, with `operation_aborted`; nothing if it is over. What the kernel cannot stop goes on.
    virtual void cancel(std::uint64_t id) noexcept = 0;
    [[nodiscard]] std::uint64_t next_id() noexcept { return ids_.fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] virtual read_counters& counters() noexcept = 0;
    [[nodiscard]] virtual weir::backend kind() const noexcept = 0;

protected:
    ~read_service() = default;

private:
    std::atomic<std::uint64_t> ids_ = 1;
};

/// How often a read that was interrupted, or cancelled by nobody, is given to the kernel again.
inline constexpr unsigned max_retries = 16;

/// The result of a read that nobody asked to end, and that only has to be made again.
[[nodiscard]] bool is_passing_failure(long result) noexcept;

/// The ring of this executor's context; null, and why, where there is none.
read_service* find_ring(const boost::asio::any_io_executor& executor, std::string& reason);
read_service& find_threads(const boost::asio::any_io_executor& executor);

/// The back end for `wanted`. \throws weir::error `errc::backend_unavailable`
read_service& find_backend(const boost::asio::any_io_executor& executor, backend wanted);

} // namespace weir::detail
