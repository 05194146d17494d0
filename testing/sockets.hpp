#pragma once
// Listening and connecting, for TCP and Unix sockets.

#include "latch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::testing::detail {

struct listening {
    int socket = -1;
    std::string host; // as clients name it; the path of a Unix socket
    std::uint16_t port = 0;
    bool is_unix = false;
};

/// Listens without blocking. \param address  as `script::listen` says
/// \throws weir::error
[[nodiscard]] listening listen_on(std::string_view address);

/// Connects to an address and port, without blocking later on.
/// \returns  -1 if nobody is there, or `stop` is open
[[nodiscard]] int connect_to(std::string_view authority, const latch& stop);

/// Sends what is written at once.
void send_without_delay(int socket) noexcept;

} // namespace weir::testing::detail
