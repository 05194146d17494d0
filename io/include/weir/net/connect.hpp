#pragma once
// A TCP connection to whichever address of a host answers first.

#include <weir/export.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <string_view>
#include <vector>

namespace weir::net {

/// How long one attempt has before the next address is tried beside it (RFC 8305, section 8).
inline constexpr std::chrono::milliseconds default_attempt_delay{250};

/// Connects to the first endpoint that answers: they are tried in their order but with the families in turn, each
/// `attempt_delay` after the one before, or as soon as that has failed. When it ends, all other attempts are closed.
///
/// \param endpoints  as a resolver gives them
/// \param host       who it is, for messages; lives until the end
/// \throws weir::error, with the host and how each address failed
///   system category: that of the first that refused, was lost or was not answered; only if no address could be tried at
///   all (no route, no such family) why that is.
///   `errc::deadline_exceeded`
///   `errc::resolve_failed`: there is no endpoint.
/// \par Cancellation
/// terminal, partial, total: all attempts are closed.
/// \par Executor
/// Resumes on the caller's, which is the socket's too.
/// \see RFC 8305, sections 4 and 5
[[nodiscard]] WEIR_API boost::asio::awaitable<boost::asio::ip::tcp::socket>
connect(std::vector<boost::asio::ip::tcp::endpoint> endpoints, std::string_view host,
        std::chrono::steady_clock::time_point deadline,
        std::chrono::milliseconds attempt_delay = default_attempt_delay);

} // namespace weir::net
