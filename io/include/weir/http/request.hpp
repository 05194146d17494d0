#pragma once
// What a request asks, apart from how it is sent: what redirects and retries decide on.

#include <weir/export.hpp>
#include <weir/http/fields.hpp>
#include <weir/http/url.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::http {

/// Whether the body of a request can be sent again.
enum class request_body : std::uint8_t {
    none,
    replayable, ///< from its start, as often as wanted: memory, a file
    once,       ///< a stream that is gone when it was sent
};

/// A request before it is written.
struct request_head {
    std::string method = "GET";
    url target;
    fields header = {}; ///< what the caller set; `Host` and the framing come from elsewhere
    request_body body = request_body::none;
    /// It is about the server and not about a thing of it: path and query of the target are not sent. For OPTIONS alone.
    /// \see RFC 9112, section 3.2.4
    bool about_server = false;

    friend bool operator==(const request_head&, const request_head&) = default;
};

/// Whether doing it twice is as doing it once: GET, HEAD, OPTIONS, TRACE, PUT, DELETE. Methods are compared with case.
/// \see RFC 9110, section 9.2.2
[[nodiscard]] WEIR_API bool is_idempotent(std::string_view method) noexcept;

} // namespace weir::http
