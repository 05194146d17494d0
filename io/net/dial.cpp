#include <weir/net/dial.hpp>

#include "base/event_loop.hpp"
#include "net/endpoint_text.hpp"

#include <weir/cancel.hpp>
#include <weir/error.hpp>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace weir::net {

namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;
using local = asio::local::stream_protocol;

namespace {

/// The end of one step, of its own limit and the deadline of the whole.
class step_end {
public:
    step_end(dial_limits::duration limit, clock_type::time_point deadline)
        : deadline_(deadline), at_(limit == dial_limits::unlimited ? deadline : sooner(limit, deadline))
    {}

    [[nodiscard]] clock_type::time_point at() const noexcept { return at_; }

    /// The outcome of the step: where its own limit was the one that passed, that is what is said.
    template <class T> [[nodiscard]] T value_of(result<T> outcome, std::string_view step, std::string_view subject) const
    {
        if (at_ < deadline_ && outcome.code() == errc::deadline_exceeded)
            throw error(errc::connect_timeout, step, subject);
        return std::move(outcome).value();
    }

private:
    static clock_type::time_point sooner(dial_limits::duration limit, clock_type::time_point deadline)
    {
        const auto now = clock_type::now();
        return deadline - now > limit ? now + limit : deadline;
    }

    clock_type::time_point deadline_;
    clock_type::time_point at_;
};

asio::awaitable<transport> dial_tcp(resolver& names, const dial_target& target, const dial_limits& limits,
                                    clock_type::time_point deadline)
{
    const step_end resolving(limits.resolve, deadline);
    result<std::vector<asio::ip::tcp::endpoint>> found
        = co_await as_result(names.resolve(target.host, target.port, resolving.at()));
    auto endpoints = resolving.value_of(std::move(found), "resolve", target.host);
    const step_end connecting(limits.connect, deadline);
    result<asio::ip::tcp::socket> connected = co_await as_result(
        connect(std::move(endpoints), target.host, connecting.at(), limits.attempt_delay));
    co_return transport(connecting.value_of(std::move(connected), "connect to",
                                            detail::host_and_port(target.host, target.port)));
}

asio::awaitable<void> connect_local(local::socket& socket, local::endpoint to)
{
    return socket.async_connect(to, asio::use_awaitable);
}

} // namespace

asio::awaitable<transport> dial_unix(std::string_view path, clock_type::time_point deadline)
{
    constexpr std::string_view operation = "connect to";
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        throw_system_error(ENAMETOOLONG, operation, path);
    const asio::any_io_executor here = co_await asio::this_coro::executor;
    local::socket socket(weir::detail::with_event_loop(here));
    const local::endpoint to(path);
    const result<void> outcome
        = co_await as_result(with_deadline(connect_local(socket, to), deadline, operation));
    if (!outcome)
        throw error(outcome.code(), operation, path);
    co_return transport(std::move(socket));
}

asio::awaitable<transport> dial(resolver& names, const dial_target& target, const dial_limits& limits,
                                clock_type::time_point deadline)
{
    const step_end connecting(limits.connect, deadline);
    transport made;
    if (target.unix_path.empty())
        made = co_await dial_tcp(names, target, limits, deadline);
    else {
        result<transport> connected = co_await as_result(dial_unix(target.unix_path, connecting.at()));
        made = connecting.value_of(std::move(connected), "connect to", target.unix_path);
    }
    if (!target.tls)
        co_return made;
    const step_end securing(limits.tls, deadline);
    tls_context how = *target.tls;
    result<transport> done = co_await as_result(
        secured(std::move(made), std::move(how), target.host, target.port, securing.at()));
    co_return securing.value_of(std::move(done), "make a TLS connection to",
                                detail::host_and_port(target.host, target.port));
}

} // namespace weir::net
