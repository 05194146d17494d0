#pragma once
// How a client reaches servers, and how long it waits for them.

#include <weir/connection_pool_options.hpp>
#include <weir/http/fields.hpp>
#include <weir/http/proxy.hpp>
#include <weir/http/redirect.hpp>
#include <weir/http/retry.hpp>
#include <weir/net/tls_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace weir::http {

/// Limits of time for one request. Whatever passes first ends it with `errc::pool_timeout`, `errc::connect_timeout` or
/// `errc::deadline_exceeded`; the message says which limit it was.
struct time_limits {
    using duration = std::chrono::milliseconds;
    static constexpr duration unlimited{0}; ///< for each of these: no limit

    duration resolve{10'000};    ///< looking up a name
    duration pool = unlimited;   ///< waiting for one of the connections that there may be: `errc::pool_timeout`
    duration connect{30'000};    ///< making a connection: TCP, the answer of a proxy, TLS; each for itself
    duration first_byte{60'000}; ///< from the end of the request to the head of the answer
    duration idle{60'000};       ///< between two pieces of a body, and between two of a request
    duration total = unlimited;  ///< everything, retries and waits between them too

    /// A body that comes at fewer bytes a second, over `rate_window` of waiting for it, is given up. 0: any rate will do.
    std::uint64_t min_rate = 0;
    std::chrono::milliseconds rate_window{30'000};
};

struct client_options {
    net::tls_options tls = {};
    /// Every connection goes to this Unix socket, whatever the host; empty: none does.
    std::string unix_socket = {};
    proxy_options proxy = {};
    /// Set in each request that does not have such a field.
    fields header = {{"User-Agent", "weir"}, {"Accept", "*/*"}};
    time_limits limits = {};
    retry_options retry = {};
    redirect_options redirects = {};
    /// `1xx` answers before the real one; more are a protocol violation.
    unsigned max_interim = 32;
    /// Of the pool. How long a request waits for a connection, and how long one is made, is said by `limits` instead.
    connection_pool_options connections = {.name = "http"};
};

} // namespace weir::http
