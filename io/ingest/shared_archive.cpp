#include "shared_archive.hpp"

#include <weir/as_result.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

/// Ends with its frame, whatever becomes of that.
class shared_archive::turn {
public:
    explicit turn(shared_archive& of) noexcept : of_(of) {}
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    ~turn()
    {
        of_.taken_ = false;
        of_.free_.set();
    }

private:
    shared_archive& of_;
};

content_name shared_archive::name_of(const archive_entry& entry) const
{
    return content_name(path_ + "/" + std::string(plain_entry_name(entry.name)), path_.size());
}

asio::awaitable<void> shared_archive::take(std::vector<archive_entry>& out, std::size_t most)
{
    for (;;) {
        free_.reset(); // before the look: whoever resets it has the turn next, or one who will set it
        if (!taken_.exchange(true))
            break;
        co_await free_.async_wait(asio::use_awaitable);
    }
    const turn mine(*this);
    while (!ended_ && out.size() < most) {
        result<std::optional<archive_entry>> next = co_await as_result(opened_->next());
        ended_ = !next || !*next;
        std::optional<archive_entry> entry = std::move(next).value();
        if (entry)
            out.push_back(std::move(*entry));
    }
}

void archive_desk::offer(std::shared_ptr<shared_archive> opened)
{
    const std::lock_guard lock(mutex_);
    offered_.push_back(std::move(opened));
    for (const std::shared_ptr<async_event>& each : idle_)
        each->set();
    busy_ += idle_.size();
    idle_.clear();
}

std::shared_ptr<shared_archive> archive_desk::find()
{
    const std::lock_guard lock(mutex_);
    return find_locked();
}

std::shared_ptr<shared_archive> archive_desk::find_locked() const
{
    const auto found = std::ranges::find_if(offered_, [](const auto& each) { return each->has_more(); });
    return found == offered_.end() ? nullptr : *found;
}

void archive_desk::withdraw(const std::shared_ptr<shared_archive>& opened) noexcept
{
    const std::lock_guard lock(mutex_);
    std::erase(offered_, opened); // the caller has it still: nothing is closed under the lock
}

void archive_desk::clear() noexcept
{
    std::vector<std::shared_ptr<shared_archive>> left; // goes without the lock
    const std::lock_guard lock(mutex_);
    left.swap(offered_);
}

/// When the last one has nothing to do, all have ended.
void archive_desk::leave_locked()
{
    if (--busy_ != 0)
        return;
    for (const std::shared_ptr<async_event>& each : idle_)
        each->set();
}

archive_desk::seat::~seat()
{
    if (!is_busy_)
        return;
    const std::lock_guard lock(of_.mutex_);
    of_.leave_locked();
}

asio::awaitable<bool> archive_desk::seat::wait()
{
    const auto changed = std::make_shared<async_event>();
    {
        const std::lock_guard lock(of_.mutex_);
        if (of_.find_locked())
            co_return true;
        is_busy_ = false;
        of_.leave_locked();
        if (of_.busy_ == 0)
            co_return false;
        of_.idle_.push_back(changed);
    }
    co_await changed->async_wait(asio::use_awaitable);
    const std::lock_guard lock(of_.mutex_);
    is_busy_ = of_.busy_ != 0; // who offers something counts those whom he wakes
    co_return is_busy_;
}

} // namespace weir::detail
