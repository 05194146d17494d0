#pragma once
// A client of the fewest lines: a blocking socket that sends and reads bytes, with a limit of time on every call.

#include <weir/testing/origin.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace test {

class raw_client {
public:
    explicit raw_client(const weir::testing::origin& server)
    {
        if (server.port() == 0)
            connect_unix(server.host());
        else if (server.host().starts_with('['))
            connect_v6(server.port());
        else
            connect_v4(server.port());
    }
    raw_client(const raw_client&) = delete;
    raw_client& operator=(const raw_client&) = delete;
    ~raw_client() { ::close(socket_); }

    void send(std::string_view bytes) const
    {
        while (!bytes.empty()) {
            const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            REQUIRE(count > 0);
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
    }

    /// A GET with these lines behind its request line.
    void get(std::string_view target, std::string_view fields = {}) const
    {
        send("GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) + "\r\n");
    }

    /// What one call reads; empty at an end or a reset, which `was_reset` tells apart.
    std::string read_some(std::size_t at_most = 64 * 1024)
    {
        std::string bytes(at_most, '\0');
        const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), 0);
        const bool too_late = count < 0 && errno == EAGAIN;
        REQUIRE_FALSE(too_late);
        was_reset_ = count < 0 && errno == ECONNRESET;
        bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return bytes;
    }

    /// All until the end, or until a reset.
    std::string read_all()
    {
        std::string all;
        for (std::string more; !(more = read_some()).empty();)
            all += more;
        return all;
    }

    /// So many bytes, fewer only at an end.
    std::string read(std::size_t size)
    {
        std::string all;
        for (std::string more; all.size() != size && !(more = read_some(size - all.size())).empty();)
            all += more;
        return all;
    }

    /// A head, with its empty line.
    std::string read_head()
    {
        std::string head;
        while (!head.ends_with("\r\n\r\n")) {
            const std::string more = read(1);
            REQUIRE_FALSE(more.empty());
            head += more;
        }
        return head;
    }

    [[nodiscard]] int descriptor() const noexcept { return socket_; }
    [[nodiscard]] bool was_reset() const noexcept { return was_reset_; }
    /// Whether nothing can be read now.
    [[nodiscard]] bool is_quiet() const
    {
        char byte;
        return ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 && errno == EAGAIN;
    }
    void end() const { ::shutdown(socket_, SHUT_WR); }

private:
    void connect_v4(std::uint16_t port)
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connect(address);
    }

    void connect_v6(std::uint16_t port)
    {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(port);
        address.sin6_addr = in6addr_loopback;
        connect(address);
    }

    void connect_unix(const std::string& path)
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(path.begin(), path.end(), address.sun_path);
        connect(address);
    }

    template <class Address> void connect(const Address& address)
    {
        const auto* const any = reinterpret_cast<const sockaddr*>(&address);
        socket_ = ::socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const timeval patience{.tv_sec = 20, .tv_usec = 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        REQUIRE(::connect(socket_, any, sizeof address) == 0);
    }

    int socket_ = -1;
    bool was_reset_ = false;
};

/// The value of a field in a head, or a text that no test expects.
inline std::string field_of(const std::string& head, const std::string& name)
{
    const std::size_t begin = head.find("\r\n" + name + ": ");
    if (begin == std::string::npos)
        return "(absent)";
    const std::size_t value = begin + name.size() + 4;
    return head.substr(value, head.find("\r\n", value) - value);
}

inline std::string status_line(const std::string& head) { return head.substr(0, head.find("\r\n")); }

} // namespace test
