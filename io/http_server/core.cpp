#include "http_server/core.hpp"

#include "http_server/connection.hpp"
#include "http_server/listener.hpp"

#include <weir/cancel.hpp>
#include <weir/error.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace weir::http::detail {

namespace asio = boost::asio;
using weir::detail::child_control;

/// Lies with the end of a member's coroutine, and so leaves with it, however that goes; and before there is one, if it
/// cannot be made.
class server_core::membership {
public:
    membership(std::shared_ptr<server_core> core, place where, std::optional<room> taken) noexcept
        : core_(std::move(core)), where_(std::move(where)), taken_(std::move(taken))
    {}
    membership(membership&&) noexcept = default;
    membership& operator=(membership&&) = delete;
    ~membership()
    {
        taken_.reset(); // who hears that the last one has left finds no room taken
        if (core_ && where_)
            core_->leave(where_);
    }

    [[nodiscard]] const place& where() const noexcept { return where_; }

private:
    std::shared_ptr<server_core> core_;
    place where_; // null where the server is stopping
    std::optional<room> taken_;
};

server_core::server_core(asio::any_io_executor executor, handler answer, const server_options& options)
    : executor_(std::move(executor)), answer_(std::move(answer)), options_(options)
{}

server_core::membership server_core::enter(std::optional<room> taken)
{
    place where = std::make_shared<member>();
    where->control = std::make_shared<child_control>(executor_);
    where->is_listener = !taken;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_)
            where = nullptr;
        else
            members_.insert(where);
    }
    return membership(shared_from_this(), std::move(where), std::move(taken));
}

void server_core::leave(const place& where) noexcept
{
    bool is_last = false;
    {
        const std::lock_guard lock(mutex_);
        members_.erase(where);
        is_last = members_.empty();
    }
    if (is_last)
        gone_.set();
}

void server_core::start(membership stays, asio::awaitable<void> work)
{
    const std::shared_ptr<child_control> control = stays.where()->control;
    weir::detail::async_run_child(control, std::move(work), [stays = std::move(stays)](const result<void>&) {});
}

void server_core::listen(asio::ip::tcp::acceptor acceptor)
{
    membership stays = enter(std::nullopt);
    if (!stays.where())
        throw error(errc::closed, "listen");
    start(std::move(stays), accept_tcp(shared_from_this(), std::move(acceptor)));
}

void server_core::listen(const std::string& path)
{
    local_acceptor acceptor(executor_, path);
    membership stays = enter(std::nullopt);
    if (!stays.where())
        throw error(errc::closed, "listen", path);
    start(std::move(stays), accept_local(shared_from_this(), std::move(acceptor)));
}

asio::awaitable<server_core::room> server_core::wait_for_room()
{
    for (;;) {
        room_.reset(); // before every look: what is set after it is not lost
        if (try_take_room())
            co_return room(shared_from_this());
        close_longest_idle();
        co_await room_.async_wait(asio::use_awaitable);
    }
}

bool server_core::try_take_room()
{
    bool has_more = false;
    {
        const std::lock_guard lock(mutex_);
        if (open_ >= options_.connections)
            return false;
        has_more = ++open_ < options_.connections;
    }
    if (has_more)
        room_.set(); // another listener may have slept through the same news
    return true;
}

void server_core::leave_room() noexcept
{
    {
        const std::lock_guard lock(mutex_);
        --open_;
    }
    room_.set();
}

void server_core::close_longest_idle()
{
    const std::lock_guard lock(mutex_);
    member* longest = nullptr;
    for (const place& each : members_)
        if (each->idle_since && (!longest || *each->idle_since < *longest->idle_since))
            longest = each.get();
    if (!longest)
        return;
    longest->idle_since.reset(); // the next one is another
    child_control::cancel(longest->control, asio::cancellation_type::terminal);
}

void server_core::serve(net::transport connected, bool is_local, room taken)
{
    membership stays = enter(std::move(taken));
    if (!stays.where())
        return;
    {
        const std::lock_guard lock(mutex_);
        ++accepted_;
    }
    auto connection
        = std::make_shared<server_connection>(shared_from_this(), stays.where(), std::move(connected), is_local);
    start(std::move(stays), server_connection::serve(std::move(connection)));
}

bool server_core::begin_idle(const place& where)
{
    bool is_wanted = false;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_)
            return false;
        where->idle_since = clock::now();
        is_wanted = open_ >= options_.connections;
    }
    if (is_wanted)
        room_.set(); // who waits for room closes the longest idle connection
    return true;
}

void server_core::end_idle(const place& where) noexcept
{
    const std::lock_guard lock(mutex_);
    where->idle_since.reset();
}

void server_core::begin_stop()
{
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const place& each : members_)
        if (each->is_listener || each->idle_since)
            child_control::cancel(each->control, asio::cancellation_type::terminal);
}

void server_core::cancel_all()
{
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const place& each : members_)
        child_control::cancel(each->control, asio::cancellation_type::terminal);
}

asio::awaitable<void> server_core::wait_until_gone()
{
    const std::shared_ptr<server_core> self = shared_from_this();
    for (;;) {
        gone_.reset();
        {
            const std::lock_guard lock(mutex_);
            if (members_.empty())
                co_return;
        }
        co_await gone_.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> server_core::stop(std::shared_ptr<server_core> self, clock::time_point deadline)
{
    self->begin_stop();
    result<void> waited = co_await as_result(with_deadline(self->wait_until_gone(), deadline, "stop server"));
    if (waited)
        co_return;
    if (waited.code() != errc::deadline_exceeded)
        waited.value(); // throws: the caller was cancelled
    self->cancel_all();
    co_await self->wait_until_gone();
}

bool server_core::stopping() const
{
    const std::lock_guard lock(mutex_);
    return stopping_;
}

server_statistics server_core::statistics() const
{
    const std::lock_guard lock(mutex_);
    const auto is_idle = [](const place& each) { return each->idle_since.has_value(); };
    return {open_, static_cast<std::size_t>(std::ranges::count_if(members_, is_idle)), accepted_, exchanges_};
}

void server_core::tell_exchange(const exchange_report& report) noexcept
{
    {
        const std::lock_guard lock(mutex_);
        ++exchanges_;
    }
    if (options_.observer)
        options_.observer->exchange_ended(report);
}

void server_core::tell_failure(std::string_view peer, unsigned status, const failure& why) noexcept
{
    if (!options_.observer)
        return;
    const std::string description = why.message();
    options_.observer->connection_failed({peer, status, why.code(), description});
}

void server_core::tell_accept(std::error_code failed) noexcept
{
    if (options_.observer)
        options_.observer->accept_failed(failed);
}

} // namespace weir::http::detail
