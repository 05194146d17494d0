#pragma once
// Where the body of a message ends, and whether its connection can serve another one: decided from the head alone.

#include <weir/export.hpp>
#include <weir/http/fields.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::http {

enum class version : std::uint8_t { http_1_0, http_1_1 };

/// How the end of a body is known.
enum class body_end : std::uint8_t {
    none,    ///< there is no body
    length,  ///< after a number of bytes
    chunked, ///< by the chunked coding
    close,   ///< by the end of the connection: a body that was cut off looks whole
    tunnel,  ///< what follows is no HTTP
};

/// What a head says about what comes after it.
struct framing {
    body_end end = body_end::none;
    std::uint64_t length = 0; ///< with `body_end::length`, in bytes
    /// Whether another message may follow on the connection once the body is over, and nothing else came behind it.
    bool reusable = false;

    /// Whether a body that is cut off can be told from one that is whole.
    [[nodiscard]] bool is_verifiable() const noexcept { return end != body_end::close; }
    friend bool operator==(const framing&, const framing&) = default;
};

/// Decides by the rules of RFC 9112, and refuses what two readers could understand in two ways: transfer codings
/// other than exactly `chunked`, `chunked` beside a length or in HTTP/1.0, lengths that differ, even in how they are
/// written, or are above 2^63-1.
///
/// \param method  of the request that is answered: there is no body after HEAD, and no HTTP after a successful
///                CONNECT
/// \throws weir::error  `errc::protocol_violation`: the message is refused; its connection must be closed
/// \see RFC 9112, section 6.3
[[nodiscard]] WEIR_API framing framing_of_response(std::string_view method, unsigned status, version spoken,
                                                   const fields& head);

/// The same for a request; one without a length has no body.
/// \throws weir::error  `errc::protocol_violation`: answer with 400 and close
/// \see RFC 9112, section 6.3
[[nodiscard]] WEIR_API framing framing_of_request(version spoken, const fields& head);

/// The value of `Content-Length`, which may be repeated or a list if all of it is the same.
/// \returns  nothing if the field is not there
/// \throws weir::error  `errc::protocol_violation`: it is no length, or several
/// \see RFC 9110, section 8.6
[[nodiscard]] WEIR_API std::optional<std::uint64_t> content_length(const fields& head);

/// Whether a sender keeps the connection: `close` says no, HTTP/1.0 needs `keep-alive`. \see RFC 9112, section 9.3
[[nodiscard]] WEIR_API bool keeps_connection(version spoken, const fields& head);

/// What a server says about connections that wait. Both are hints: it may close at any time.
struct keep_alive {
    std::optional<std::chrono::seconds> timeout; ///< it closes after that; at most 100 years
    std::optional<std::uint64_t> max;            ///< so many more requests

    friend bool operator==(const keep_alive&, const keep_alive&) = default;
};

/// Reads `Keep-Alive: timeout=5, max=100`. What it does not know, or cannot be read, is left out.
/// \see RFC 2068, section 19.7.1.1
[[nodiscard]] WEIR_API keep_alive keep_alive_of(const fields& head);

/// Drops what is for one connection only: `Connection` and the fields that it names, `Keep-Alive`,
/// `Proxy-Connection`, `TE`, `Transfer-Encoding`, `Upgrade`. A proxy does so before it sends a message on.
/// \note  `Content-Length` and `Host` stay even if they are named: a peer does not get to change where a message goes
///   or ends.
/// \see RFC 9110, section 7.6.1
WEIR_API void erase_connection_fields(fields& head);

/// Takes one off `Max-Forwards` of an OPTIONS or TRACE request, as a proxy does before it sends that on; of other requests it
/// means nothing.
/// \returns  false if none is left: the proxy answers in place of the origin
/// \see RFC 9110, section 7.6.2
[[nodiscard]] WEIR_API bool count_forwarding(std::string_view method, fields& head);

} // namespace weir::http
