#pragma once
// Which proxy a URL is reached through, by the environment as curl reads it.

#include <weir/export.hpp>
#include <weir/http/url.hpp>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

/// Hosts that are reached without a proxy: the value of `NO_PROXY`.
///
/// Elements stand between commas or blanks. `*` is every host. A name, with a dot or `*.` before it or without, is the
/// host of that name and all below it. An address, or one with a prefix length (`10.0.0.0/8`, `fd00::/8`), is for
/// hosts written as addresses only: names are not looked up for this. A port (`example.com:8080`, `[::1]:80`)
/// limits the element to it. Case and a dot at the end do not matter. An element that is none of these matches nothing.
///
/// That is what curl reads, and more: for curl `*` counts alone only, `*.` and ports match nothing, addresses stand without
/// brackets, and a prefix length of 0 is that of one address, not of all.
class WEIR_API no_proxy_list {
public:
    no_proxy_list() = default;
    explicit no_proxy_list(std::string_view text);

    [[nodiscard]] bool matches(const url& target) const;

private:
    std::vector<std::string> elements_;
};

/// The value of an environment variable; nothing if it is not set.
using environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The environment of the process.
/// \par Thread-safety
/// As `getenv`: any threads, while none changes the environment.
[[nodiscard]] WEIR_API std::optional<std::string> process_environment(const std::string& name);

/// What a user asked for by options, before the environment.
struct proxy_options {
    /// The proxy of every scheme; empty: none. Nothing: what the environment says.
    std::optional<std::string> proxy = {};
    /// Hosts reached without, also where `proxy` names one. Nothing: what the environment says.
    std::optional<std::string> no_proxy = {};
};

/// Decides for each URL. It reads the environment once, when it is made.
///
/// - for http: `http_proxy`; upper-case `HTTP_PROXY` is not read, because a CGI program's client can set it
/// - for https: `https_proxy`, or `HTTPS_PROXY`
/// - for both, where those are not set: `all_proxy`, or `ALL_PROXY`
/// - not for the hosts of `no_proxy`, or `NO_PROXY`, whatever named the proxy
///
/// An empty variable counts as not set. A proxy without a scheme is an http proxy; one without a port has 1080, as
/// with curl, if it is http, and 443 if it is https. A path, a query or a fragment of its URL means nothing.
/// \par Thread-safety
/// Shared by any threads.
class WEIR_API proxy_selector {
public:
    explicit proxy_selector(proxy_options options = {}, const environment& variables = process_environment);

    /// The proxy for `target`, with the credentials that are for it alone; nothing if the way is direct.
    /// \throws weir::error, with the proxy (redacted) and what named it: the operation is `use proxy` for that of the options,
    ///   `use https_proxy` for one of that variable
    ///   `errc::unsupported_scheme`: neither http nor https, for instance `socks5`
    ///   `errc::bad_format`: not a URL
    [[nodiscard]] std::optional<url> proxy_for(const url& target) const;

private:
    /// A proxy as it was told, and by what.
    struct told {
        std::string text;
        std::string_view by;
    };

    [[nodiscard]] static told tell(const proxy_options& options, const environment& variables,
                                   std::initializer_list<const char*> names);

    told http_;
    told https_;
    no_proxy_list direct_;
};

} // namespace weir::http
