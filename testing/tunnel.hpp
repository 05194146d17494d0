#pragma once
// What a proxy does behind CONNECT.

#include "incoming.hpp"
#include "outgoing.hpp"
#include "wire.hpp"

#include <string>

namespace weir::testing::detail {

/// Connects to `authority`, answers the client with 200, and copies bytes both ways until both sides have ended.
/// \param authority  host and port; the host is an address or `localhost`: no name is looked up
/// \returns  false if nobody is there: nothing was sent then
/// \throws connection_over
[[nodiscard]] bool run_tunnel(const std::string& authority, const latch& stop, wire& client, outgoing& to_client,
                              incoming& from_client);

} // namespace weir::testing::detail
