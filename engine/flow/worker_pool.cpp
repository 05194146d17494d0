#include <weir/worker_pool.hpp>

#include "base/cgroup.hpp"

#include <weir/error.hpp>

#include <boost/asio/executor_work_guard.hpp>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cmath>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>
#if defined(__linux__)
#    include <sched.h>
#    include <sys/syscall.h>
#    include <unistd.h>
#endif

namespace weir {
namespace {

constexpr std::size_t most_default_workers = 16;
constexpr std::size_t most_workers = 1024;
constexpr std::size_t least_stack = std::size_t{256} << 10;

/// Lets the threads of executors go first, without taking time from anybody: the calling thread, which works on bytes,
/// asks for longer slices than the scheduler's usual 3 ms. Linux 6.12 and later (EEVDF, sched_setattr(2)) then let a
/// thread that wakes with shorter ones run at once instead of at the end of the slice, so that timers beside an ingest
/// are as punctual as beside threads that never sleep. Other kernels ignore it; policy and nice value stay as they are.
void ask_for_long_slices() noexcept
{
#if defined(__linux__) && defined(SYS_sched_setattr)
    struct { // glibc 2.36 has neither the calls nor the type, and Linux's header contradicts its <sched.h>
        std::uint32_t size, policy;
        std::uint64_t flags;
        std::int32_t nice;
        std::uint32_t priority;
        std::uint64_t runtime, deadline, period;
    } scheduling{};
    static_assert(sizeof scheduling == 48, "SCHED_ATTR_SIZE_VER0");
    constexpr std::uint64_t slice_ns = 20'000'000;
    if (syscall(SYS_sched_getattr, 0, &scheduling, sizeof scheduling, 0) != 0 || scheduling.policy != SCHED_OTHER)
        return;
    scheduling.runtime = slice_ns;
    syscall(SYS_sched_setattr, 0, &scheduling, 0); // a refusal costs punctuality only
#endif
}

std::size_t cores_by_affinity()
{
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return static_cast<std::size_t>(CPU_COUNT(&set));
#endif
    return std::max(1u, std::thread::hardware_concurrency());
}

} // namespace

std::size_t default_worker_count()
{
    std::size_t cores = cores_by_affinity();
    if (const auto quota = detail::cgroup_cores(); quota && *quota < static_cast<double>(cores))
        cores = static_cast<std::size_t>(std::ceil(*quota));
    return std::clamp<std::size_t>(cores, 1, most_default_workers);
}

struct worker_pool::state {
    explicit state(std::size_t threads)
        : count(threads), context(static_cast<int>(threads)), work(context.get_executor())
    {}

    const std::size_t count; ///< of threads, also when they have ended

    // Counters first: a coroutine that the context's end destroys may still count itself out.
    std::atomic<std::uint64_t> active{0};
    std::atomic<std::uint64_t> done{0};
    std::atomic<std::uint64_t> failed{0};
    boost::asio::io_context context;
    boost::asio::executor_work_guard<executor_type> work;
    std::vector<pthread_t> threads;

    static void* run(void* self)
    {
        ask_for_long_slices();
        // Nothing of weir throws out of a handler; a user's handler that does must end here, not be lost.
        static_cast<state*>(self)->context.run();
        return nullptr;
    }

    void start(std::size_t count, std::size_t stack_bytes)
    {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        int failure = pthread_attr_setstacksize(&attributes, stack_bytes);
        for (std::size_t i = 0; i < count && failure == 0; ++i) {
            pthread_t thread{};
            failure = pthread_create(&thread, &attributes, &state::run, this);
            if (failure == 0)
                threads.push_back(thread);
        }
        pthread_attr_destroy(&attributes);
        if (failure != 0) {
            stop();
            throw_system_error(failure, "start worker threads");
        }
    }

    void stop() noexcept
    {
        context.stop();
        for (pthread_t thread : threads) {
            assert(!pthread_equal(thread, pthread_self()) && "a worker pool cannot end on one of its own threads");
            pthread_join(thread, nullptr);
        }
        threads.clear();
    }
};

worker_pool::worker_pool(const worker_options& options)
{
    if (options.threads > most_workers)
        throw error(errc::bad_configuration, "start worker threads", "threads", std::nullopt,
                    std::to_string(options.threads) + " is more than " + std::to_string(most_workers));
    if (options.stack_bytes < least_stack)
        throw error(errc::bad_configuration, "start worker threads", "stack_bytes", std::nullopt,
                    std::to_string(options.stack_bytes) + " is less than " + std::to_string(least_stack));
    const std::size_t count = options.threads != 0 ? options.threads : default_worker_count();
    constexpr std::size_t page = 4096;
    state_ = std::make_unique<state>(count);
    state_->threads.reserve(count);
    state_->start(count, (options.stack_bytes + page - 1) / page * page);
}

worker_pool::~worker_pool() { state_->stop(); }

void worker_pool::stop() noexcept { state_->stop(); }

worker_pool::executor_type worker_pool::executor() noexcept { return state_->context.get_executor(); }

std::size_t worker_pool::size() const noexcept { return state_->count; }

worker_statistics worker_pool::statistics() const noexcept
{
    return {state_->count, state_->active.load(std::memory_order_relaxed),
            state_->done.load(std::memory_order_relaxed), state_->failed.load(std::memory_order_relaxed)};
}

worker_pool::task_scope::task_scope(worker_pool& pool) noexcept
    : pool_(pool), exceptions_(std::uncaught_exceptions())
{
    pool_.state_->active.fetch_add(1, std::memory_order_relaxed);
}

worker_pool::task_scope::~task_scope()
{
    auto& counters = *pool_.state_;
    counters.active.fetch_sub(1, std::memory_order_relaxed);
    (std::uncaught_exceptions() > exceptions_ ? counters.failed : counters.done)
        .fetch_add(1, std::memory_order_relaxed);
}

} // namespace weir
