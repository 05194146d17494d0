#include "files/thread_read_service.hpp"

#include "files/fault_injection.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>

#include <algorithm>
#include <cerrno>

#include <unistd.h>

namespace weir::detail {
namespace {

constexpr std::size_t most_threads = 4;
constexpr std::size_t most_bytes = 0x7ffff000; // what Linux reads at once

long read_once(const read_operation& operation) noexcept
{
    std::size_t size = std::min(operation.size, most_bytes);
    if (const auto fault = injected_read(operation.descriptor, operation.offset, size)) {
        if (*fault <= 0)
            return *fault;
        size = std::min(size, static_cast<std::size_t>(*fault));
    }
    const auto got = ::pread(operation.descriptor, operation.data, size, static_cast<off_t>(operation.offset));
    return got < 0 ? -errno : static_cast<long>(got);
}

} // namespace

boost::asio::execution_context::id thread_read_service::id;

thread_read_service::thread_read_service(boost::asio::execution_context& context)
    : boost::asio::execution_context::service(context)
{
}

thread_read_service::~thread_read_service() = default;

void thread_read_service::start(std::unique_ptr<read_operation> operation)
{
    std::error_code failure;
    {
        std::unique_ptr<read_operation> refused; // destroyed after the lock: it may call anything
        std::lock_guard lock(mutex_);
        if (closed_) {
            refused = std::move(operation);
            return;
        }
        counters_.started();
        if (idle_ <= queue_.size() && threads_.size() < most_threads)
            failure = add_thread();
        if (!failure)
            queue_.push_back(std::move(operation));
    }
    if (failure)
        return end(std::move(operation), failure, 0);
    wake_.notify_one();
}

// With at least one thread everything is read, if later.
std::error_code thread_read_service::add_thread()
{
    try {
        threads_.emplace_back([this] { run(); });
    }
    catch (const std::system_error& failure) {
        if (threads_.empty())
            return failure.code();
    }
    return {};
}

void thread_read_service::cancel(std::uint64_t id) noexcept
{
    std::unique_ptr<read_operation> cancelled;
    {
        std::lock_guard lock(mutex_);
        if (read_operation* found = closed_ ? nullptr : queue_.find(id))
            cancelled = queue_.remove(*found);
    }
    if (cancelled)
        end(std::move(cancelled), boost::asio::error::make_error_code(boost::asio::error::operation_aborted), 0);
}

void thread_read_service::run()
{
    std::unique_lock lock(mutex_);
    while (true) {
        ++idle_;
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        --idle_;
        if (stopping_)
            return;
        std::unique_ptr<read_operation> operation = queue_.pop_front();
        lock.unlock();
        long result = read_once(*operation);
        while (is_passing_failure(result) && operation->retries_ < max_retries) {
            ++operation->retries_;
            counters_.retries.fetch_add(1, std::memory_order_relaxed);
            result = read_once(*operation);
        }
        if (result < 0)
            end(std::move(operation), std::error_code(static_cast<int>(-result), std::system_category()), 0);
        else
            end(std::move(operation), {}, static_cast<std::size_t>(result));
        lock.lock();
    }
}

void thread_read_service::end(std::unique_ptr<read_operation> operation, std::error_code failure, std::size_t count)
{
    counters_.finished(failure, count);
    operation->complete(failure, count);
}

void thread_read_service::stop_threads()
{
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_)
        thread.join();
    threads_.clear();
    stopping_ = false;
}

void thread_read_service::shutdown()
{
    operation_list refused; // destroyed uncompleted: handlers must not run any more
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        refused = std::move(queue_);
    }
    stop_threads();
}

// Threads do not survive a fork: none is there while it happens. What is queued is read in both processes.
void thread_read_service::notify_fork(boost::asio::execution_context::fork_event event)
{
    if (event == boost::asio::execution_context::fork_prepare)
        return stop_threads();
    std::lock_guard lock(mutex_);
    if (!queue_.empty())
        (void)add_thread();
}

read_service& find_threads(const boost::asio::any_io_executor& executor)
{
    auto& context = boost::asio::query(executor, boost::asio::execution::context);
    return boost::asio::use_service<thread_read_service>(context);
}

} // namespace weir::detail
