#pragma once
// The heads of messages as they come over a connection.

#include <weir/export.hpp>
#include <weir/http/fields.hpp>
#include <weir/http/framing.hpp>

#include <string>
#include <string_view>

namespace weir::http {

/// The head of an answer. \see RFC 9112, section 4
struct WEIR_API response_head {
    version spoken = version::http_1_1;
    unsigned status = 200; ///< 100 to 999
    std::string reason;    ///< for people only; often empty
    fields header;

    /// Whether another head follows: 1xx, but 101, after which there is no HTTP any more.
    [[nodiscard]] bool is_interim() const noexcept { return status < 200 && status != 101; }
    friend bool operator==(const response_head&, const response_head&) = default;
};

/// The head of a request as a server reads it. \see RFC 9112, section 3
struct WEIR_API received_request {
    version spoken = version::http_1_1;
    std::string method; ///< a token, with its case
    std::string target; ///< as it came: a path with its query, a whole URL, `host:port` of CONNECT, or `*`
    fields header;

    /// Whom it is for, as host or `host:port`: from the target if that says so, else from `Host`. Valid until the
    /// object changes; empty if nobody is named, which HTTP/1.0 allows.
    [[nodiscard]] std::string_view authority() const noexcept;
    /// The path with its query, beginning with a slash; `*` for the server itself, and empty for CONNECT.
    [[nodiscard]] std::string path() const;
    friend bool operator==(const received_request&, const received_request&) = default;
};

/// What RFC 9110 calls a status: `Not Found`. Empty for one that it does not know.
[[nodiscard]] WEIR_API std::string_view reason_phrase(unsigned status) noexcept;

/// Whether `text` is a host, with a port or without, as `Host` has it; it may be empty.
/// \see RFC 9110, section 7.2
[[nodiscard]] WEIR_API bool is_authority(std::string_view text) noexcept;

} // namespace weir::http
