#include <weir/net/connect.hpp>

#include "base/event_loop.hpp"
#include "net/endpoint_text.hpp"

#include <weir/detail/run_on.hpp>
#include <weir/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace weir::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using clock_type = std::chrono::steady_clock;

namespace {

/// First one of the family that stands first, then one of the other, and so on (RFC 8305, section 4).
std::vector<tcp::endpoint> in_turn(std::vector<tcp::endpoint> endpoints)
{
    std::deque<tcp::endpoint> first;
    std::deque<tcp::endpoint> second;
    for (const tcp::endpoint& each : endpoints)
        (each.protocol() == endpoints.front().protocol() ? first : second).push_back(each);
    endpoints.clear();
    while (!first.empty() || !second.empty()) {
        for (std::deque<tcp::endpoint>* family : {&first, &second})
            if (!family->empty()) {
                endpoints.push_back(family->front());
                family->pop_front();
            }
    }
    return endpoints;
}

/// Whether no peer had a part in it: there is no way to such addresses from here.
bool is_local(error_code failed) noexcept
{
    switch (failed.value()) {
    case ENETUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EACCES:
    case EPERM: return true;
    default: return false;
    }
}

/// Attempts side by side, until one has succeeded. Everything but the construction runs on one strand.
class race {
public:
    race(asio::any_io_executor sockets, std::vector<tcp::endpoint> endpoints)
        : executor_(weir::detail::with_event_loop(sockets)), changed_(executor_)
    {
        for (const tcp::endpoint& each : in_turn(std::move(endpoints)))
            attempts_.push_back({each, std::nullopt, {}});
    }

    [[nodiscard]] bool is_won() const noexcept { return winner_ != nullptr; }
    [[nodiscard]] bool is_over() const noexcept { return winner_ || (!can_start() && running_ == 0); }
    [[nodiscard]] bool can_start() const noexcept { return started_ < attempts_.size(); }
    [[nodiscard]] tcp::socket take_winner() { return std::move(*winner_->socket); }

    /// \returns  whether it is under way
    static bool start_next(const std::shared_ptr<race>& self, const asio::any_io_executor& strand)
    {
        attempt& now = self->attempts_[self->started_++];
        now.socket.emplace(self->executor_);
        now.socket->open(now.to.protocol(), now.failed);
        if (now.failed)
            return false;
        ++self->running_;
        now.socket->async_connect(now.to, asio::bind_executor(strand, [self, &now](error_code failed) {
            --self->running_;
            self->end(now, failed);
        }));
        return true;
    }

    /// Until an attempt has ended, or `until`.
    asio::awaitable<void> change(clock_type::time_point until)
    {
        changed_.expires_at(until);
        error_code woken;
        co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }

    /// Attempts that are under way end as cancelled.
    void close() noexcept
    {
        for (attempt& each : attempts_)
            each.socket.reset();
    }

    /// Why the first one failed that says something of a peer.
    [[nodiscard]] error_code cause() const noexcept
    {
        for (const attempt& each : attempts_)
            if (!is_local(each.failed))
                return each.failed;
        return attempts_.front().failed;
    }

    /// With what came of each address.
    [[nodiscard]] error failure(std::string_view host, std::error_code cause) const
    {
        std::string all;
        for (std::size_t i = 0; i < attempts_.size(); ++i) {
            const attempt& each = attempts_[i];
            all.append(all.empty() ? "" : ", ").append(detail::text_of(each.to)).append(": ");
            if (each.failed)
                all.append(each.failed.message());
            else
                all.append(i < started_ ? "no answer" : "not tried");
        }
        return {cause, "connect to", detail::host_and_port(host, attempts_.front().to.port()), std::nullopt, all};
    }

private:
    struct attempt {
        tcp::endpoint to;
        std::optional<tcp::socket> socket;
        error_code failed;
    };

    void end(attempt& one, error_code failed)
    {
        changed_.cancel();
        if (!failed && !winner_) {
            winner_ = &one;
            return;
        }
        one.failed = failed;
        one.socket.reset();
    }

    const asio::any_io_executor executor_; ///< of the sockets
    std::deque<attempt> attempts_;         ///< stay where they are
    std::size_t started_ = 0;
    std::size_t running_ = 0;
    attempt* winner_ = nullptr;
    asio::steady_timer changed_; ///< cancelled when an attempt has ended
};

asio::awaitable<tcp::socket> run(std::shared_ptr<race> all, std::string_view host, clock_type::time_point deadline,
                                 std::chrono::milliseconds attempt_delay)
{
    struct closing {
        ~closing() { what.close(); }
        race& what;
    };
    const closing at_end{*all};
    const asio::any_io_executor strand = co_await asio::this_coro::executor;
    while (!all->is_over()) {
        if (clock_type::now() >= deadline)
            throw all->failure(host, errc::deadline_exceeded);
        if (all->can_start() && !race::start_next(all, strand))
            continue;
        const auto next = all->can_start() ? clock_type::now() + attempt_delay : clock_type::time_point::max();
        co_await all->change(std::min(next, deadline));
        const asio::cancellation_state asked = co_await asio::this_coro::cancellation_state;
        if (asked.cancelled() != asio::cancellation_type::none)
            throw all->failure(host, error_code(asio::error::operation_aborted));
    }
    if (!all->is_won())
        throw all->failure(host, all->cause());
    co_return all->take_winner();
}

} // namespace

asio::awaitable<tcp::socket> connect(std::vector<tcp::endpoint> endpoints, std::string_view host,
                                     clock_type::time_point deadline, std::chrono::milliseconds attempt_delay)
{
    if (endpoints.empty())
        throw error(errc::resolve_failed, "connect to", host, std::nullopt, "it has no address");
    const asio::any_io_executor here = co_await asio::this_coro::executor;
    auto all = std::make_shared<race>(here, std::move(endpoints));
    co_return co_await weir::detail::run_on(here, run(std::move(all), host, deadline, attempt_delay));
}

} // namespace weir::net
