#include "files/ring_service.hpp"

#include "base/event_loop.hpp"
#include "files/fault_injection.hpp"
#include "files/ring_setup.hpp"

#include <weir/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <cerrno>
#include <new>

#include <sys/eventfd.h>
#include <unistd.h>

namespace weir::detail {
namespace {

constexpr unsigned entries = 256;
// Without TASKRUN_FLAG, since that stays up for work that waits for another thread, or for one that has ended: a loop
// that goes by it would spin. Nothing is missed: the loop enters the kernel (epoll_wait) before it sleeps.
constexpr unsigned flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP;
// A cached read is copied inside the submission, at 80 to 118 us a MiB: the loop's timers must not wait for more.
constexpr std::size_t cached_bytes_a_turn = std::size_t{1} << 20;
constexpr std::uint64_t no_operation = 0; // user data of a cancellation
constexpr unsigned batch = 64;

// Turns are short and must not wait for a strand's other work.
boost::asio::any_io_executor without_strand(boost::asio::any_io_executor executor)
{
    using loop_executor = boost::asio::io_context::executor_type;
    if (const auto* any = executor.target<boost::asio::strand<boost::asio::any_io_executor>>())
        return without_strand(any->get_inner_executor());
    if (const auto* loop = executor.target<boost::asio::strand<loop_executor>>())
        return loop->get_inner_executor();
    return executor;
}

} // namespace

boost::asio::execution_context::id ring_service::id;

ring_service::ring_service(boost::asio::execution_context& context)
    : boost::asio::execution_context::service(context)
{
}

ring_service::~ring_service() = default;

bool ring_service::open(const boost::asio::any_io_executor& executor, std::string& reason)
{
    std::lock_guard lock(mutex_);
    if (!ready_ && reason_.empty()) {
        loop_ = without_strand(executor);
        wake_.emplace(loop_);
        open_ring();
    }
    reason = reason_;
    return ready_;
}

void ring_service::open_ring()
{
    int failure = make_ring(ring_, entries, flags);
    if (failure == 0) {
        const int wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        failure = wake < 0 ? -errno : io_uring_register_eventfd(&ring_, wake);
        if (wake >= 0)
            wake_->assign(wake);
        if (failure < 0)
            io_uring_queue_exit(&ring_);
    }
    ready_ = failure == 0;
    if (ready_)
        io_uring_ring_dontfork(&ring_); // a child that touches the ring of its parent would break both
    else
        reason_ = "io_uring: " + std::system_category().message(-failure);
}

void ring_service::start(std::unique_ptr<read_operation> operation)
{
    std::unique_ptr<read_operation> refused; // destroyed after the lock: it may call anything
    std::lock_guard lock(mutex_);
    if (closed_) {
        refused = std::move(operation);
        return;
    }
    post_turn(); // first: without memory for it nothing has begun
    counters_.started();
    if (ready_)
        queue_.push_back(std::move(operation));
    else // a child that could not have a ring of its own
        end(std::move(operation), std::error_code(ENOSYS, std::system_category()), 0);
}

void ring_service::cancel(std::uint64_t id) noexcept
{
    std::lock_guard lock(mutex_);
    if (closed_)
        return;
    read_operation* found = queue_.find(id);
    if (!found && (found = lent_.find(id)))
        found->cancel_due_ = cancels_due_ = true;
    if (!found)
        return;
    found->cancelled_ = true;
    hasten_turn();
}

// By the eventfd where somebody waits at it: that needs no memory.
void ring_service::hasten_turn() noexcept
{
    if (armed_) {
        ::eventfd_write(wake_->native_handle(), 1);
        return;
    }
    try {
        post_turn();
    }
    catch (const std::bad_alloc&) {
        // There was none for a turn before, or one would be posted: the next that there is memory for does it.
    }
}

void ring_service::post_turn()
{
    if (turn_posted_)
        return;
    if (injected_lack_of_memory())
        throw std::bad_alloc();
    boost::asio::post(loop_, [this] { turn(); });
    turn_posted_ = true; // not if there was no memory for it
}

void ring_service::turn()
{
    operation_list results;
    {
        std::lock_guard lock(mutex_);
        turn_posted_ = false;
        if (closed_)
            return;
        if (ready_)
            serve_ring();
        results = std::move(results_);
    }
    results.complete_all();
}

void ring_service::serve_ring()
{
    io_uring_cq_eventfd_toggle(&ring_, false);
    collect();
    prepare_cancels();
    refill();
    io_uring_submit(&ring_);
    io_uring_cq_eventfd_toggle(&ring_, true);
    wait_or_go_on();
}

// Nothing may be missed between the last look and the sleep: the eventfd is on again before this looks.
void ring_service::wait_or_go_on()
{
    const bool completed = io_uring_cq_ready(&ring_) > 0 || io_uring_cq_has_overflow(&ring_);
    const bool room = lent_.size() < entries; // without it only a completion lets the queue go on
    if (completed || io_uring_sq_ready(&ring_) > 0 || (room && !queue_.empty()))
        post_turn();
    else if (!lent_.empty())
        arm();
    else
        disarm(); // else run() would never return
}

void ring_service::arm()
{
    if (armed_)
        return;
    const auto wait_read = boost::asio::posix::descriptor_base::wait_read;
    wake_->async_wait(wait_read, [this, wait = ++wait_](boost::system::error_code failure) {
        if (failure)
            return;
        {
            std::lock_guard lock(mutex_);
            if (closed_ || wait != wait_)
                return;
            armed_ = false;
            eventfd_t count; // must be read, or the next wait reports it again
            ::eventfd_read(wake_->native_handle(), &count);
        }
        turn();
    });
    armed_ = true;
}

void ring_service::disarm()
{
    if (!std::exchange(armed_, false))
        return;
    ++wait_;
    wake_->cancel();
}

void ring_service::collect()
{
    io_uring_cqe* done[batch];
    while (const unsigned count = io_uring_peek_batch_cqe(&ring_, done, batch)) {
        for (unsigned i = 0; i < count; ++i) {
            const std::uint64_t data = done[i]->user_data;
            if (data != no_operation)
                finish(*reinterpret_cast<read_operation*>(data), done[i]->res);
        }
        io_uring_cq_advance(&ring_, count);
    }
}

void ring_service::finish(read_operation& lent, long outcome)
{
    std::unique_ptr<read_operation> operation = lent_.remove(lent);
    // The thread that submitted a read may have ended, and its reads with it: that is nobody's wish.
    if (!operation->cancelled_ && !closed_ && is_passing_failure(outcome) && operation->retries_ < max_retries) {
        ++operation->retries_;
        counters_.retries.fetch_add(1, std::memory_order_relaxed);
        queue_.push_front(std::move(operation));
        return;
    }
    if (outcome == -ECANCELED && operation->cancelled_)
        end(std::move(operation), boost::asio::error::make_error_code(boost::asio::error::operation_aborted), 0);
    else if (outcome < 0)
        end(std::move(operation), std::error_code(static_cast<int>(-outcome), std::system_category()), 0);
    else
        end(std::move(operation), {}, static_cast<std::size_t>(outcome));
}

void ring_service::end(std::unique_ptr<read_operation> operation, std::error_code failure, std::size_t count)
{
    counters_.finished(failure, count);
    operation->set_result(failure, count);
    results_.push_back(std::move(operation));
}

void ring_service::prepare_cancels()
{
    for (read_operation* lent = cancels_due_ ? lent_.first() : nullptr; lent; lent = operation_list::next(*lent)) {
        if (!lent->cancel_due_)
            continue;
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        if (!entry)
            return;
        io_uring_prep_cancel(entry, lent, 0);
        io_uring_sqe_set_data64(entry, no_operation);
        lent->cancel_due_ = false;
    }
    cancels_due_ = false;
}

void ring_service::refill()
{
    for (std::size_t cached = 0; !queue_.empty() && cached < cached_bytes_a_turn;) {
        read_operation& next = *queue_.first();
        if (next.cancelled_) {
            end(queue_.pop_front(), boost::asio::error::make_error_code(boost::asio::error::operation_aborted), 0);
            continue;
        }
        std::size_t size = std::min<std::size_t>(next.size, 0x7ffff000); // the most that Linux reads at once
        if (const auto fault = injected_read(next.descriptor, next.offset, size)) {
            if (*fault <= 0) {
                lent_.push_back(queue_.pop_front());
                finish(next, *fault);
                continue;
            }
            size = std::min(size, static_cast<std::size_t>(*fault));
        }
        io_uring_sqe* entry = lent_.size() < entries ? io_uring_get_sqe(&ring_) : nullptr;
        if (!entry)
            return;
        io_uring_prep_read(entry, next.descriptor, next.data, static_cast<unsigned>(size), next.offset);
        io_uring_sqe_set_data(entry, &next);
        cached += next.may_be_cached ? size : 0;
        lent_.push_back(queue_.pop_front());
    }
}

// Waits until the kernel has given back all memory. What cannot be cancelled (O_DIRECT) takes as long as the disk does.
void ring_service::drain()
{
    for (read_operation* lent = lent_.first(); lent; lent = operation_list::next(*lent))
        lent->cancel_due_ = cancels_due_ = true;
    while (!lent_.empty()) {
        prepare_cancels();
        io_uring_submit_and_wait(&ring_, 1);
        collect();
    }
}

void ring_service::shutdown()
{
    operation_list results, refused;
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        if (ready_) {
            drain();
            io_uring_queue_exit(&ring_);
        }
        wake_.reset();
        refused = std::move(queue_);
        results = std::move(results_);
    }
    // Both are destroyed here, uncompleted: their handlers must not run any more.
}

void ring_service::notify_fork(boost::asio::execution_context::fork_event event)
{
    if (!ready_)
        return;
    if (event == boost::asio::execution_context::fork_prepare) {
        // Until parent or child is told. What is cancelled here is cancelled by nobody, and read again by both.
        mutex_.lock();
        drain();
        return;
    }
    std::unique_lock lock(mutex_, std::adopt_lock);
    if (event == boost::asio::execution_context::fork_child)
        close_in_child();
    turn_posted_ = false;
    post_turn();
}

// The ring stays the parent's: not even unmapped here, only the descriptors go.
void ring_service::close_in_child()
{
    ::close(ring_.ring_fd);
    disarm();
    wake_->close();
    ring_ = {};
    open_ring();
    if (!ready_)
        while (!queue_.empty())
            end(queue_.pop_front(), std::error_code(ENOSYS, std::system_category()), 0);
}

read_service* find_ring(const boost::asio::any_io_executor& executor, std::string& reason)
{
    auto& context = boost::asio::query(executor, boost::asio::execution::context);
    // Has the reactor made first: services made later end earlier, and hear of a fork in the child later.
    try {
        if (!boost::asio::has_service<ring_service>(context))
            (void)with_event_loop(executor);
    }
    catch (const error& failure) {
        reason = failure.what();
        return nullptr;
    }
    auto& service = boost::asio::use_service<ring_service>(context);
    return service.open(executor, reason) ? &service : nullptr;
}

} // namespace weir::detail
