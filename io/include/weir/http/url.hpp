#pragma once
// Where something is: an http or https URL, taken apart, checked and normalised, that never shows its secrets unasked.

#include <weir/export.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

enum class scheme : std::uint8_t { http, https };

/// `http` or `https`.
[[nodiscard]] WEIR_API std::string_view to_string(scheme value) noexcept;

/// 80 or 443.
[[nodiscard]] WEIR_API std::uint16_t default_port(scheme value) noexcept;

/// What a URL says about who asks, percent-decoded.
struct login {
    std::string user;
    std::string password;

    friend bool operator==(const login&, const login&) = default;
};

/// Whom a request is for. Credentials and connections are never shared between two origins.
/// \see RFC 9110, section 4.3.1
struct origin {
    http::scheme scheme = http::scheme::http;
    std::string host; ///< as `url::host`; an IPv6 zone follows a `%`
    std::uint16_t port = 0;

    friend bool operator==(const origin&, const origin&) = default;
    friend auto operator<=>(const origin&, const origin&) = default;
};

/// An absolute http or https URL.
///
/// What it holds is normal: scheme and host in lower case, IPv6 addresses in their shortest form, the port always a
/// number, the path absolute, without the dot segments `.` and `..`. Path and query are else left byte for byte, their
/// percent-encoding too, because signatures are made over them: `/%7Ea` and `/~a` are two URLs. Bytes that have no place
/// in a URL but are harmless (`|`, `"`, UTF-8) are percent-encoded, as browsers do.
///
/// Strict where two readers of one URL could disagree about its host: control characters, blanks and backslashes
/// anywhere, a second `@`, numbers that are no dotted quad where an IPv4 address would stand (`127.1`, `0x7f.1`),
/// port 0, names that are not ASCII.
/// \see RFC 3986, and RFC 6874 for IPv6 zones
class WEIR_API url {
public:
    /// The longest text that is read, in bytes.
    static constexpr std::size_t max_bytes = 64 * 1024;

    /// \throws weir::error, with the text (redacted) and the offset in bytes of what is wrong in it
    ///   `errc::bad_format`: not an absolute URL, or one that is refused; the message says why.
    ///   `errc::unsupported_scheme`: a URL that is neither http nor https.
    [[nodiscard]] static url parse(std::string_view text);

    /// The URL that `reference` means when it is read here, as in a `Location` field. Credentials of this URL are
    /// kept only where the reference names no host. Not so strict as `parse`: many servers send names of files as they are, so a
    /// blank in path, query or fragment is encoded there, and so is a percent sign without two digits behind it.
    /// \throws weir::error  as `parse`
    /// \see RFC 3986, section 5.2
    [[nodiscard]] url resolve(std::string_view reference) const;

    [[nodiscard]] http::scheme scheme() const noexcept { return scheme_; }
    [[nodiscard]] bool is_secure() const noexcept { return scheme_ == http::scheme::https; }

    /// A name, an IPv4 address, or an IPv6 address without brackets and zone.
    [[nodiscard]] const std::string& host() const noexcept { return host_; }
    /// The zone of an IPv6 address, as `eth0`; else empty. It means something on this machine only and is never sent.
    [[nodiscard]] const std::string& zone() const noexcept { return zone_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    /// Begins with a slash.
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// Without the question mark; an empty one differs from none.
    [[nodiscard]] const std::optional<std::string>& query() const noexcept { return query_; }
    /// Without the number sign. Never sent.
    [[nodiscard]] const std::optional<std::string>& fragment() const noexcept { return fragment_; }
    [[nodiscard]] const std::optional<http::login>& login() const noexcept { return login_; }

    [[nodiscard]] http::origin origin() const;

    /// What stands in a request line: path and query. \see RFC 9112, section 3.2.1
    [[nodiscard]] std::string target() const;
    /// What stands in a request line to a proxy: all but credentials, zone and fragment.
    /// \see RFC 9112, section 3.2.2
    [[nodiscard]] std::string absolute_target() const;
    /// What stands in `Host`: the port only if it is not the scheme's. \see RFC 9110, section 7.2
    [[nodiscard]] std::string authority() const;
    /// What stands in the request line of CONNECT: always with the port. \see RFC 9112, section 3.2.3
    [[nodiscard]] std::string connect_target() const;

    /// For people and logs: credentials are `***`, the value of a query parameter whose name tells of a secret
    /// (`X-Amz-Signature`, `token`, `key`, `sid` ...; the rule is that of `is_sensitive`) too, and the fragment is left out.
    [[nodiscard]] std::string to_string() const;
    /// All of it, secrets too; `parse` gives the same URL back, unless `with_target` made one that is not normal.
    [[nodiscard]] std::string unredacted() const;

    [[nodiscard]] url without_login() const;
    /// This URL with the credentials of another, or without any as that. \pre they are meant for this origin
    [[nodiscard]] url with_login_of(const url& other) const;
    /// \pre `port` is not 0
    [[nodiscard]] url with_port(std::uint16_t port) const;
    /// This URL with another path and query, taken byte for byte: for keys with dot segments in them.
    /// \throws weir::error  `errc::bad_format`: it does not begin with a slash, or holds a byte that may not stand in
    ///   a request line, or a percent sign without two digits
    [[nodiscard]] url with_target(std::string_view target) const;

    friend bool operator==(const url&, const url&) = default;

private:
    friend class url_reader;
    url() = default;

    [[nodiscard]] std::string bracketed_host() const;

    http::scheme scheme_ = http::scheme::http;
    std::optional<http::login> login_;
    std::string host_;
    std::string zone_;
    std::uint16_t port_ = 0;
    std::string path_;
    std::optional<std::string> query_;
    std::optional<std::string> fragment_;
};

/// `text` as `url::to_string` shows it. If it is no such URL: nothing before an `@`, unless it is a path (one slash begins
/// it), nothing after a question mark, no byte that a terminal would act on, and no more than 256 bytes.
[[nodiscard]] WEIR_API std::string redacted(std::string_view text);

} // namespace weir::http
