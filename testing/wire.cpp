#include "wire.hpp"

#include "poll.hpp"

#include <array>
#include <cerrno>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weir::testing::detail {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_goodbye = 2s;
constexpr auto longest_delivery = 1s;

} // namespace

wire::wire(int socket, const latch& stop, std::function<void(std::size_t)> sent, const tls_identity* secured_by)
    : socket_(socket), stop_(&stop), sent_(std::move(sent))
{
    if (secured_by)
        tls_.emplace(*secured_by, socket);
}

wire::~wire() { ::close(socket_); }

std::size_t wire::read(std::span<char> into)
{
    for (;;) {
        const transfer got = try_read(into);
        if (got.how == transfer::outcome::done)
            return got.bytes;
        await(got.how);
    }
}

void wire::write(std::string_view bytes)
{
    while (!bytes.empty() && !half_closed_) {
        if (stop_->is_open())
            throw connection_over{connection_end::by_origin};
        const transfer given = try_write(bytes);
        if (given.how == transfer::outcome::done) {
            sent_(given.bytes);
            bytes.remove_prefix(given.bytes);
        }
        else
            await(given.how);
    }
}

void wire::wait_until(clock::time_point time)
{
    (void)poll_for(-1, 0, {stop_}, time);
    if (stop_->is_open())
        throw connection_over{connection_end::by_origin};
}

void wire::stall(std::optional<clock::time_point> until, const latch* gate)
{
    const latch& opens = gate ? *gate : *stop_;
    const short seen = poll_for(socket_, POLLRDHUP, {stop_, &opens}, until);
    if (stop_->is_open())
        throw connection_over{connection_end::by_origin};
    if ((seen & POLLERR) != 0)
        throw connection_over{connection_end::reset_by_peer};
    if (seen != 0)
        throw connection_over{connection_end::by_peer};
}

void wire::half_close() noexcept
{
    if (tls_ && !half_closed_)
        tls_->say_end();
    half_closed_ = true;
    ::shutdown(socket_, SHUT_WR);
}

void wire::close()
{
    half_close();
    throw connection_over{connection_end::by_script, true};
}

void wire::cut_off()
{
    ::shutdown(socket_, SHUT_WR);
    throw connection_over{connection_end::by_script, true};
}

void wire::say_goodbye()
{
    const auto patience = clock::now() + longest_goodbye;
    std::array<char, 16 * 1024> dropped;
    while (!stop_->is_open() && clock::now() < patience && poll_for(socket_, POLLIN, {stop_}, patience) != 0)
        if (::recv(socket_, dropped.data(), dropped.size(), 0) <= 0)
            break;
}

void wire::reset()
{
    // The kernel tells nobody when the peer has taken the last byte: it has to be asked.
    const auto patience = clock::now() + longest_delivery;
    while (unacknowledged() != 0 && clock::now() < patience)
        wait_until(clock::now() + 1ms);
    const linger abort{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    throw connection_over{connection_end::by_script};
}

transfer wire::try_read(std::span<char> into) noexcept
{
    using enum transfer::outcome;
    if (tls_)
        return tls_->read(into);
    const ssize_t count = ::recv(socket_, into.data(), into.size(), 0);
    if (count >= 0)
        return {done, static_cast<std::size_t>(count)};
    return {errno == EAGAIN || errno == EINTR ? wants_read : broken, 0};
}

transfer wire::try_write(std::string_view bytes) noexcept
{
    using enum transfer::outcome;
    if (tls_)
        return tls_->write(bytes);
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0)
        return {done, static_cast<std::size_t>(count)};
    return {errno == EAGAIN || errno == EINTR ? wants_write : broken, 0};
}

void wire::await(transfer::outcome what)
{
    if (what == transfer::outcome::broken)
        throw connection_over{connection_end::reset_by_peer};
    (void)poll_for(socket_, what == transfer::outcome::wants_read ? POLLIN : POLLOUT, {stop_});
    if (stop_->is_open())
        throw connection_over{connection_end::by_origin};
}

std::size_t wire::unacknowledged() const noexcept
{
    int bytes = 0;
    return ::ioctl(socket_, SIOCOUTQ, &bytes) == 0 ? static_cast<std::size_t>(bytes) : 0;
}

} // namespace weir::testing::detail
