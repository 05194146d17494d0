#include "sockets.hpp"

#include "poll.hpp"

#include <weir/error.hpp>

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace weir::testing::detail {
namespace {

constexpr std::string_view unix_prefix = "unix:";

/// Any address of a socket.
struct socket_address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
    [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }

    template <class Address> void set(const Address& address)
    {
        std::memcpy(&storage, &address, sizeof address);
        size = sizeof address;
    }
};

std::optional<std::uint16_t> port_of(std::string_view text)
{
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [behind, failure] = std::from_chars(text.data(), end, port);
    return failure == std::errc() && behind == end && !text.empty() ? std::optional(port) : std::nullopt;
}

/// \returns  nothing if it is no numeric host (or `localhost`) and port
std::optional<socket_address> parse_internet(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    const auto port = colon != std::string_view::npos ? port_of(text.substr(colon + 1)) : std::nullopt;
    if (!port)
        return std::nullopt;
    std::string host(text.substr(0, colon));
    if (host == "localhost")
        host = "127.0.0.1";
    socket_address address;
    if (sockaddr_in v4{}; ::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(*port);
        address.set(v4);
        return address;
    }
    if (host.size() < 2 || host.front() != '[' || host.back() != ']')
        return std::nullopt;
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6.sin6_addr) != 1)
        return std::nullopt;
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(*port);
    address.set(v6);
    return address;
}

std::optional<socket_address> parse_unix(std::string_view path)
{
    sockaddr_un local{};
    if (path.empty() || path.size() >= sizeof local.sun_path)
        return std::nullopt;
    local.sun_family = AF_UNIX;
    std::memcpy(local.sun_path, path.data(), path.size());
    socket_address address;
    address.set(local);
    return address;
}

std::uint16_t bound_port(int socket)
{
    socket_address address;
    address.size = sizeof address.storage;
    ::getsockname(socket, address.get(), &address.size);
    // The port stands at the same place for both families.
    sockaddr_in v4;
    std::memcpy(&v4, &address.storage, sizeof v4);
    return ntohs(v4.sin_port);
}

} // namespace

listening::listening(std::string_view address) : is_unix_(address.starts_with(unix_prefix))
{
    const auto parsed = is_unix_ ? parse_unix(address.substr(unix_prefix.size())) : parse_internet(address);
    if (!parsed)
        throw error(errc::bad_configuration, "listen", address, std::nullopt,
                    "neither an address and port, as 127.0.0.1:0, nor unix:PATH");
    host_ = is_unix_ ? address.substr(unix_prefix.size()) : address.substr(0, address.rfind(':'));
    socket_ = ::socket(parsed->get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ == -1)
        throw_system_error(errno, "listen", address);
    const int yes = 1;
    if (!is_unix_)
        ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(socket_, parsed->get(), parsed->size) != 0 || ::listen(socket_, SOMAXCONN) != 0) {
        const int failure = errno;
        ::close(socket_);
        throw_system_error(failure, "listen", address);
    }
    if (!is_unix_)
        port_ = bound_port(socket_);
}

listening::~listening()
{
    ::close(socket_);
    if (is_unix_)
        ::unlink(host_.c_str());
}

int connect_to(std::string_view authority, const latch& stop)
{
    const auto address = parse_internet(authority);
    const int socket =
        address ? ::socket(address->get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (socket == -1)
        return -1;
    bool connected = ::connect(socket, address->get(), address->size) == 0;
    if (!connected && errno == EINPROGRESS && (poll_for(socket, POLLOUT, {&stop}) & POLLOUT) != 0) {
        int failure = 0;
        socklen_t size = sizeof failure;
        connected = ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0;
    }
    if (connected) {
        send_without_delay(socket);
        return socket;
    }
    ::close(socket);
    return -1;
}

void send_without_delay(int socket) noexcept
{
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); // a Unix socket needs no such thing
}

} // namespace weir::testing::detail
