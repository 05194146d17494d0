#include "net/lookups.hpp"

#include <weir/error.hpp>

#include <boost/asio/error.hpp>

#include <chrono>
#include <thread>

namespace weir::net::detail {
namespace {

constexpr std::chrono::seconds idle_time{10}; // of a thread before it ends

} // namespace

lookups::lookups(const resolver_options& options)
    : most_threads_(options.threads), most_waiting_(options.max_waiting), lookup_(options.lookup)
{}

std::shared_ptr<lookups> lookups::make(const resolver_options& options)
{
    return std::shared_ptr<lookups>(new lookups(options));
}

void lookups::find(std::string name, waiter who)
{
    boost::system::error_code refused;
    {
        const std::lock_guard lock(mutex_);
        refused = admit(name);
        if (!refused) {
            const std::uint64_t id = ++last_id_;
            if (auto slot = who.slot(); slot.is_connected())
                slot.assign([weak = weak_from_this(), name, id](boost::asio::cancellation_type) {
                    if (const auto self = weak.lock())
                        self->leave(name, id);
                });
            jobs_[std::move(name)].waiters.emplace(id, std::move(who));
            return;
        }
    }
    std::move(who).post(refused, nullptr);
}

boost::system::error_code lookups::admit(const std::string& name)
{
    if (closed_)
        return weir::detail::code(errc::closed);
    if (jobs_.contains(name))
        return {};
    if (queue_.size() >= most_waiting_)
        return weir::detail::code(errc::queue_full);
    queue_.push_back(name);
    if (provide_thread())
        return {};
    queue_.pop_back();
    return make_error_code(boost::system::errc::resource_unavailable_try_again);
}

void lookups::leave(const std::string& name, std::uint64_t id)
{
    waiter leaving;
    {
        const std::lock_guard lock(mutex_);
        const auto job = jobs_.find(name);
        if (job == jobs_.end())
            return;
        const auto found = job->second.waiters.find(id);
        if (found == job->second.waiters.end())
            return;
        leaving = std::move(found->second);
        job->second.waiters.erase(found);
        if (job->second.waiters.empty() && std::erase(queue_, name) > 0)
            jobs_.erase(job);
    }
    std::move(leaving).post(boost::asio::error::operation_aborted, nullptr);
}

bool lookups::provide_thread()
{
    if (idle_ >= queue_.size()) {
        wanted_.notify_one();
        return true;
    }
    if (threads_ == most_threads_)
        return true;
    try {
        // Detached: a look-up ends when it likes, and nobody has to wait for that.
        std::thread([self = shared_from_this()] { work(self); }).detach();
        ++threads_;
        return true;
    }
    catch (const std::system_error&) {
        return threads_ > 0;
    }
}

void lookups::work(const std::shared_ptr<lookups>& self)
{
    for (std::string name; self->next(name);)
        self->finish(name, self->look_up(name));
}

bool lookups::next(std::string& name)
{
    std::unique_lock lock(mutex_);
    ++idle_;
    const bool called = wanted_.wait_for(lock, idle_time, [this] { return closed_ || !queue_.empty(); });
    --idle_;
    if (!called || closed_) {
        --threads_;
        return false;
    }
    name = std::move(queue_.front());
    queue_.pop_front();
    ++numbers_.lookups;
    ++numbers_.running;
    return true;
}

lookups::answer lookups::look_up(const std::string& name) const
{
    try {
        std::vector<boost::asio::ip::address> found = lookup_(name);
        if (found.empty())
            throw error(errc::resolve_failed, "resolve", name, std::nullopt, "it has no address");
        return std::make_shared<const answer::element_type>(std::move(found));
    }
    catch (...) {
        return std::make_shared<const answer::element_type>(failure(std::current_exception()));
    }
}

void lookups::finish(const std::string& name, const answer& found)
{
    std::map<std::uint64_t, waiter> waiters;
    {
        const std::lock_guard lock(mutex_);
        --numbers_.running;
        numbers_.failures += found->has_value() ? 0 : 1;
        const auto job = jobs_.find(name);
        if (job == jobs_.end()) // closed meanwhile
            return;
        waiters = std::move(job->second.waiters);
        jobs_.erase(job);
    }
    for (auto& [id, waiting] : waiters)
        std::move(waiting).post({}, found);
}

void lookups::close() noexcept
{
    std::unordered_map<std::string, job> left;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        left.swap(jobs_);
        queue_.clear();
    }
    wanted_.notify_all();
    for (auto& [name, job] : left)
        for (auto& [id, waiting] : job.waiters)
            std::move(waiting).post(weir::detail::code(errc::closed), nullptr);
}

resolver_statistics lookups::statistics() const
{
    const std::lock_guard lock(mutex_);
    resolver_statistics now = numbers_;
    now.waiting = queue_.size();
    return now;
}

} // namespace weir::net::detail
