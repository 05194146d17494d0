#include <weir/async_guard.hpp>

#include <cassert>

namespace weir::detail {

namespace asio = boost::asio;

/// The right, and the duty, to settle a guard. Dropped, it runs the fallback: so it may lie in a handler that is never
/// called, or in a frame that is destroyed before it has begun or halfway.
class guard_core::claim {
public:
    claim() noexcept = default;
    explicit claim(std::shared_ptr<guard_core> core) noexcept : core_(std::move(core))
    {
        core_->timing_.emplace(core_->options_.observer, event_kind::cleanup, "release", core_->options_.name);
    }
    claim(claim&&) noexcept = default;
    claim& operator=(claim&&) = delete;
    ~claim()
    {
        if (core_) {
            core_->run_fallback();
            core_->settle(std::make_error_code(std::errc::operation_canceled), nullptr);
        }
    }

    guard_core* operator->() const noexcept { return core_.get(); }
    const std::shared_ptr<guard_core>& core() const noexcept { return core_; }

    void succeeded() noexcept { std::exchange(core_, nullptr)->settle({}, nullptr); }
    void failed(const std::exception_ptr& why) noexcept
    {
        const auto core = std::exchange(core_, nullptr);
        core->run_fallback();
        core->settle(code_of(why), why);
    }

private:
    std::shared_ptr<guard_core> core_;
};

/// What lies in the executor's queue.
class guard_core::node {
public:
    explicit node(std::shared_ptr<guard_core> core) noexcept : core_(std::move(core)) {}
    node(node&&) noexcept = default;
    node& operator=(node&&) = delete;
    ~node()
    {
        if (core_ && core_->advance(phase::queued, phase::running))
            claim(std::move(core_)); // its end runs the fallback
    }

    void operator()() noexcept
    {
        const auto core = std::move(core_);
        if (core->advance(phase::queued, phase::running))
            run(claim(core));
    }

private:
    std::shared_ptr<guard_core> core_;
};

guard_core::guard_core(asio::any_io_executor executor, guard_options&& options) noexcept
    : executor_(std::move(executor)), options_(std::move(options))
{
}

guard_core::~guard_core() = default;

void guard_core::track(const std::shared_ptr<guard_core>& self)
{
    self->self_ = self;
    if (!self->options_.resources)
        return;
    registration entry;
    try {
        entry =
            self->options_.resources->add({.kind = resource_kind::guard, .name = self->options_.name, .target = self});
    }
    catch (...) {
        self->force_release();
        throw;
    }
    // From then on a clean-up knows the guard, and may have settled it by now.
    const std::lock_guard lock(self->mutex_);
    if (self->phase_.load(std::memory_order_acquire) != phase::done)
        self->registration_ = std::move(entry);
}

void guard_core::unregister() noexcept
{
    registration entry;
    const std::lock_guard lock(mutex_);
    entry = std::move(registration_);
}

bool guard_core::advance(phase from, phase to) noexcept
{
    return phase_.compare_exchange_strong(from, to, std::memory_order_acq_rel);
}

void guard_core::start(const std::shared_ptr<guard_core>& self) noexcept
{
    if (!self->advance(phase::held, phase::queued))
        return;
    try {
        asio::post(self->executor_, node(self));
    }
    catch (...) { // no memory for the queue: the node's end has run the fallback
    }
}

void guard_core::run(claim mine) noexcept
{
    const auto core = mine.core();
    try {
        const auto child = std::make_shared<child_control>(core->executor_);
        async_run_child(child, perform(std::move(mine)), [](const result<void>&) {});
        // Not before: it must not be cancelled while it is being started.
        const std::lock_guard lock(core->mutex_);
        if (!core->settled_)
            core->child_ = child;
        if (core->cancelled_)
            child_control::cancel(child, asio::cancellation_type::terminal);
    }
    catch (...) { // no memory for the coroutine: the claim's end has run the fallback
    }
}

asio::awaitable<void> guard_core::perform(claim mine)
{
    std::exception_ptr failure;
    try {
        co_await mine->run_release();
    }
    catch (...) {
        failure = std::current_exception();
    }
    if (failure)
        mine.failed(failure);
    else
        mine.succeeded();
}

void guard_core::settle(std::error_code outcome, const std::exception_ptr& failure) noexcept
{
    phase_.store(phase::done, std::memory_order_release);
    unregister();
    if (timing_ && outcome)
        timing_->fail(outcome, 0, 1);
    else if (timing_)
        timing_->succeed(0, 1);
    if (failure)
        tell(failure);
    std::vector<waiter> waiters;
    {
        const std::lock_guard lock(mutex_);
        settled_ = true;
        outcome_ = outcome;
        waiters.swap(waiters_);
        child_.reset();
    }
    for (waiter& each : waiters)
        std::move(each).post(outcome);
}

void guard_core::tell(const std::exception_ptr& failure) noexcept
{
    try {
        if (options_.on_failure)
            options_.on_failure(options_.name, failure);
    }
    catch (...) { // nowhere left to report to
    }
}

bool guard_core::dismiss() noexcept
{
    if (!advance(phase::held, phase::running))
        return false;
    settle({}, nullptr);
    return true;
}

void guard_core::start_and_wait(const std::shared_ptr<guard_core>& self, waiter who)
{
    if (auto slot = who.slot(); slot.is_connected())
        slot.assign([weak = std::weak_ptr(self)](asio::cancellation_type) {
            if (const auto alive = weak.lock())
                alive->force_release();
        });
    std::error_code outcome;
    {
        const std::lock_guard lock(self->mutex_);
        if (!self->settled_) {
            self->waiters_.push_back(std::move(who));
            who = waiter();
        }
        outcome = self->outcome_;
    }
    if (who)
        std::move(who).post(outcome);
    start(self);
}

asio::awaitable<void> guard_core::release()
{
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void(boost::system::error_code)>(
        [](auto handler, std::shared_ptr<guard_core> core) {
            const asio::any_io_executor fallback = core->executor_;
            start_and_wait(core, waiter(std::move(handler), fallback));
        },
        asio::use_awaitable, self_.lock());
}

bool guard_core::force_release() noexcept
{
    if (advance(phase::held, phase::running) || advance(phase::queued, phase::running)) {
        claim(self_.lock()); // its end runs the fallback
        return true;
    }
    std::shared_ptr<child_control> child;
    {
        const std::lock_guard lock(mutex_);
        if (settled_)
            return true;
        cancelled_ = true;
        child = child_;
    }
    try {
        if (child)
            child_control::cancel(child, asio::cancellation_type::terminal);
    }
    catch (...) { // no memory to ask it: it goes on
    }
    return false;
}

} // namespace weir::detail
