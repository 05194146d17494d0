#include "contained_check.hpp"

#include <weir/as_result.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <cassert>
#include <utility>

namespace tool {
namespace {

constexpr std::size_t lane_blocks = 4;
constexpr std::size_t waiting_tasks = 4; // for each lane: beyond that who finds entries reads them too

} // namespace

struct contained_check::shared_container {
    shared_container(container listed, const container_settings& settings) : content(std::move(listed), settings) {}

    opened_container content;
    std::size_t tasks = 1; // that are not done
};

/// Entries to be read, or all of a container to be gone through.
struct contained_check::task {
    std::shared_ptr<shared_container> of;
    std::vector<weir::archive_entry> entries = {};
};

contained_check::contained_check(weir::engine& on, weir::archive_options options)
    : engine_(on), settings_{on, std::move(options), bytes_read_}
{}

contained_check::~contained_check() { assert(lanes_ == 0); }

void contained_check::start()
{
    for (std::size_t i = 0; i != engine_.workers().size(); ++i) {
        const auto& control =
            controls_.emplace_back(std::make_shared<weir::detail::child_control>(engine_.workers().executor()));
        {
            const std::lock_guard lock(mutex_);
            ++lanes_;
        }
        weir::detail::async_run_child(control, work(), [this](const weir::result<void>& ended) {
            lane_ended(ended.exception());
        });
    }
}

void contained_check::lane_ended(std::exception_ptr failure) noexcept
{
    const std::lock_guard lock(mutex_); // to the end: who sees that no lane is left may destroy all this
    if (!failure_)
        failure_ = std::move(failure);
    --lanes_;
    finished_.set();
}

void contained_check::give(container what)
{
    bytes_held_ += what.bytes;
    task next{std::make_shared<shared_container>(std::move(what), settings_)};
    {
        const std::lock_guard lock(mutex_);
        ++unfinished_;
        tasks_.push_back(std::move(next));
    }
    if (controls_.empty())
        start();
    changed_.set();
}

void contained_check::close()
{
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.set();
    finished_.set();
}

std::optional<std::vector<verdict>> contained_check::try_next()
{
    const std::lock_guard lock(mutex_);
    if (failure_)
        std::rethrow_exception(failure_);
    if (done_.empty())
        return std::nullopt;
    std::vector<verdict> next = std::move(done_.front());
    done_.pop_front();
    return next;
}

asio::awaitable<std::optional<std::vector<verdict>>> contained_check::next()
{
    for (;;) {
        finished_.reset(); // before the look
        std::optional<std::vector<verdict>> found = try_next();
        bool all_done = false;
        {
            const std::lock_guard lock(mutex_);
            all_done = closed_ && unfinished_ == 0 && done_.empty();
        }
        if (found || all_done)
            co_return found;
        co_await finished_.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> contained_check::stop()
{
    close();
    for (const auto& each : controls_)
        weir::detail::child_control::cancel(each, asio::cancellation_type::terminal);
    for (;;) {
        finished_.reset();
        {
            const std::lock_guard lock(mutex_);
            if (lanes_ == 0)
                co_return;
        }
        co_await finished_.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> contained_check::work()
{
    weir::reservation memory = engine_.pool().try_reserve(lane_blocks, engine_.block_bytes()).value();
    for (;;) {
        std::optional<task> next = co_await take();
        if (!next)
            co_return;
        co_await run(*next, memory);
        finish(*next);
    }
}

asio::awaitable<std::optional<contained_check::task>> contained_check::take()
{
    for (;;) {
        changed_.reset(); // before the look: whoever resets it looks, and tells the others what he leaves
        std::optional<task> next;
        bool all_done = false;
        {
            const std::lock_guard lock(mutex_);
            if (!tasks_.empty()) {
                next = std::move(tasks_.front());
                tasks_.pop_front();
                ++running_;
            }
            all_done = closed_ && !next && running_ == 0;
            if (all_done || !tasks_.empty())
                changed_.set();
        }
        if (next || all_done)
            co_return next;
        co_await changed_.async_wait(asio::use_awaitable);
    }
}

/// Has others read entries, unless they have enough to do.
/// \returns  whether `entries` were given away
bool contained_check::try_add(const std::shared_ptr<shared_container>& of, std::vector<weir::archive_entry>& entries)
{
    const std::lock_guard lock(mutex_);
    if (tasks_.size() >= waiting_tasks * lanes_)
        return false;
    ++of->tasks;
    tasks_.push_front({of, std::exchange(entries, {})}); // what was begun comes first
    changed_.set();
    return true;
}

/// Says the verdicts with the last task of a container.
void contained_check::finish(const task& done)
{
    shared_container& of = *done.of;
    std::unique_lock lock(mutex_);
    if (--of.tasks == 0) {
        lock.unlock(); // it is nobody else's now
        std::vector<verdict> verdicts = of.content.verdicts();
        bytes_held_ -= of.content.bytes();
        lock.lock();
        --unfinished_;
        done_.push_back(std::move(verdicts));
        finished_.set();
    }
    if (--running_ == 0)
        changed_.set();
}

asio::awaitable<void> contained_check::run(const task& one, weir::reservation& memory)
{
    if (!one.entries.empty()) {
        co_await one.of->content.read_entries(one.entries, memory);
        co_return;
    }
    opened_container::helper help = [this, of = one.of](std::vector<weir::archive_entry>& entries) {
        return try_add(of, entries);
    };
    co_await one.of->content.go_through(memory, std::move(help));
}

} // namespace tool
