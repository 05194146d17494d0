#pragma once
// Listening and connecting, for TCP and Unix sockets.

#include "latch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::testing::detail {

/// A socket that listens, without blocking. A Unix socket's file goes with it.
class listening {
public:
    /// \param address  as `script::listen` says
    /// \throws weir::error
    explicit listening(std::string_view address);
    listening(const listening&) = delete;
    listening& operator=(const listening&) = delete;
    ~listening();

    [[nodiscard]] int descriptor() const noexcept { return socket_; }
    /// As clients name it; the path of a Unix socket.
    [[nodiscard]] const std::string& host() const noexcept { return host_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] bool is_unix() const noexcept { return is_unix_; }

private:
    int socket_;
    std::string host_;
    std::uint16_t port_ = 0;
    bool is_unix_;
};

/// Connects to an address and port, without blocking later on.
/// \returns  -1 if nobody is there, or `stop` is open
[[nodiscard]] int connect_to(std::string_view authority, const latch& stop);

/// Sends what is written at once.
void send_without_delay(int socket) noexcept;

} // namespace weir::testing::detail
