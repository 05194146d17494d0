#include <weir/net/transport.hpp>

#include "net/endpoint_text.hpp"
#include "net/tls_engine.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include <sys/socket.h>

namespace weir::net {

namespace asio = boost::asio;
using boost::system::error_code;

namespace detail {

stream_state::stream_state(socket_type connected, std::string who)
    : socket(std::move(connected)), limit(socket.get_executor(),
                                          [this] {
                                              error_code ignored;
                                              socket.cancel(ignored);
                                          }),
      peer(std::move(who))
{
    error_code ignored; // where it cannot be set, asynchronous operations fail for the same reason
    socket.non_blocking(true, ignored);
}

stream_state::~stream_state() = default;

void stream_state::close() noexcept
{
    limit.set(time_limit::clock::time_point::max());
    error_code ignored;
    socket.close(ignored);
}

tls_step stream_state::tls_read(std::span<const asio::mutable_buffer> into) noexcept
{
    // An operation that was ready when the socket was closed: its descriptor may be another's by now.
    if (!socket.is_open())
        return {.failed = asio::error::operation_aborted};
    return tls->read(into);
}

tls_step stream_state::tls_write(std::span<const asio::const_buffer> from) noexcept
{
    if (!socket.is_open())
        return {.failed = asio::error::operation_aborted};
    return tls->write(from);
}

std::optional<tls_step> stream_state::try_write(std::span<const asio::const_buffer> from) noexcept
{
    if (limit.expired())
        return std::nullopt;
    tls_step done;
    if (tls)
        done = tls_write(from.first(std::min(from.size(), detail::tls_buffers)));
    else
        done.bytes = socket.write_some(from, done.failed);
    const bool waits = done.next != tls_step::want::nothing || done.failed == asio::error::would_block;
    return waits ? std::nullopt : std::optional<tls_step>(done);
}

void stream_state::tls_abandon_write() noexcept { tls->abandon_write(); }

asio::awaitable<error_code> stream_state::wait_for(tls_step::want what)
{
    if (!limit.watch(co_await asio::this_coro::executor))
        co_return weir::detail::code(errc::deadline_exceeded);
    error_code failed;
    co_await socket.async_wait(wait_type(what), asio::redirect_error(asio::use_awaitable, failed));
    co_return outcome(failed);
}

} // namespace detail

namespace {

std::string name_of(const asio::ip::tcp::socket& connected)
{
    error_code failed;
    const asio::ip::tcp::endpoint peer = connected.remote_endpoint(failed);
    return failed ? std::string() : detail::text_of(peer);
}

std::string name_of(const asio::local::stream_protocol::socket& connected)
{
    error_code failed;
    const asio::local::stream_protocol::endpoint peer = connected.remote_endpoint(failed);
    return failed ? std::string() : peer.path();
}

asio::ip::tcp::socket prompt(asio::ip::tcp::socket connected)
{
    error_code ignored;
    connected.set_option(asio::ip::tcp::no_delay(true), ignored);
    return connected;
}

} // namespace

transport::transport(asio::ip::tcp::socket connected)
{
    std::string peer = name_of(connected);
    state_ = std::make_shared<detail::stream_state>(prompt(std::move(connected)), std::move(peer));
}

transport::transport(asio::local::stream_protocol::socket connected)
{
    std::string peer = name_of(connected);
    state_ = std::make_shared<detail::stream_state>(std::move(connected), std::move(peer));
}

bool transport::resumed() const noexcept { return secure() && SSL_session_reused(state_->tls->native()) == 1; }

bool transport::truncated() const noexcept { return secure() && state_->tls->truncated(); }

std::string transport::tls_failure() const { return secure() ? state_->tls->failure() : std::string(); }

std::string_view transport::application_protocol() const noexcept
{
    if (!secure())
        return {};
    const unsigned char* name = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(state_->tls->native(), &name, &length);
    return {reinterpret_cast<const char*>(name), length};
}

std::optional<transport::written> transport::try_write_some(std::span<const asio::const_buffer> from) noexcept
{
    const std::optional<detail::tls_step> done = state_->try_write(from);
    return done ? std::optional<written>({done->code(), done->bytes}) : std::nullopt;
}

bool transport::quiet() noexcept
{
    if (!is_open())
        return false;
    if (state_->tls)
        return state_->tls->quiet();
    char first = 0;
    const ssize_t count = ::recv(state_->socket.native_handle(), &first, sizeof first, MSG_PEEK | MSG_DONTWAIT);
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void transport::reset() noexcept
{
    if (!is_open())
        return;
    error_code ignored; // a Unix socket has no resets
    state_->socket.set_option(asio::socket_base::linger(true, 0), ignored);
    state_->close();
}

void transport::cancel() noexcept
{
    error_code ignored;
    if (state_)
        state_->socket.cancel(ignored);
}

asio::awaitable<void> transport::shutdown(clock::time_point deadline)
{
    if (!is_open())
        co_return;
    struct closing {
        ~closing() { state->close(); }
        const std::shared_ptr<detail::stream_state> state;
    };
    const closing at_end{state_};
    detail::stream_state& stream = *state_;
    stream.limit.set(deadline);
    error_code failed;
    while (stream.tls) {
        const detail::tls_step step = stream.tls->close_notify();
        if (step.next == detail::tls_step::want::nothing)
            break;
        failed = co_await stream.wait_for(step.next);
        if (failed)
            co_return;
    }
    stream.socket.shutdown(asio::socket_base::shutdown_send, failed);
    constexpr std::size_t dropped_at_a_time = 16 * 1024;
    const auto dropped = std::make_unique<std::byte[]>(dropped_at_a_time);
    while (!failed)
        co_await async_read_some(asio::buffer(dropped.get(), dropped_at_a_time),
                                 asio::redirect_error(asio::use_awaitable, failed));
}

} // namespace weir::net
