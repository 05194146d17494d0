#pragma once
// From a host's name, or a path, to a connection that can be used.

#include <weir/export.hpp>
#include <weir/net/connect.hpp>
#include <weir/net/resolver.hpp>
#include <weir/net/tls_context.hpp>
#include <weir/net/transport.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::net {

/// How long each step may take, beside the deadline of the whole.
struct dial_limits {
    using duration = std::chrono::milliseconds;
    static constexpr duration unlimited{0}; ///< for the next three: no limit but the deadline

    duration resolve{10'000};
    duration connect{30'000};
    duration tls{30'000};
    duration attempt_delay = default_attempt_delay; ///< as of `connect`
};

/// Whom to reach, and how.
struct dial_target {
    std::string host;                ///< a name, or a numeric address with or without brackets
    std::uint16_t port = 0;
    std::string unix_path = {};      ///< not empty: this socket is connected to; the host is whom TLS then expects
    std::optional<tls_context> tls = {}; ///< none: plain
};

/// Looks up, connects, and makes the connection secure if it is to be.
///
/// To speak to a proxy before TLS: dial it plain, then `secured`.
/// \param names, target, limits  live until the end
/// \throws weir::error, with host and port, or the path
///   `errc::connect_timeout`: a step took longer than its limit; the operation says which.
///   `errc::deadline_exceeded`
///   else as `resolver::resolve`, `connect` and `secured`
/// \par Cancellation
/// terminal, partial, total: nothing stays open.
/// \par Executor
/// Resumes on the caller's, which is the connection's too.
[[nodiscard]] WEIR_API boost::asio::awaitable<transport>
dial(resolver& names, const dial_target& target, const dial_limits& limits,
     std::chrono::steady_clock::time_point deadline);

/// Connects to a Unix socket. A path that begins with a NUL is an abstract name.
/// \throws weir::error  with the path: `errc::deadline_exceeded`, or what the system reports: `ENOENT`,
///                      `ECONNREFUSED`, `ENAMETOOLONG`
/// \par Cancellation
/// terminal, partial, total.
[[nodiscard]] WEIR_API boost::asio::awaitable<transport>
dial_unix(std::string_view path, std::chrono::steady_clock::time_point deadline);

} // namespace weir::net
