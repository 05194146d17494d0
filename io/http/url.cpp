#include <weir/http/url.hpp>

#include "grammar.hpp"
#include "url_reader.hpp"
#include "url_syntax.hpp"

#include <weir/error.hpp>

#include <cassert>

namespace weir::http {

std::string_view to_string(scheme value) noexcept { return value == scheme::https ? "https" : "http"; }

std::uint16_t default_port(scheme value) noexcept { return value == scheme::https ? 443 : 80; }

url url::parse(std::string_view text) { return url_reader(text).absolute(); }

url url::resolve(std::string_view reference) const { return url_reader(reference).relative_to(*this); }

url url::with_target(std::string_view target) const { return url_reader(target).target_of(*this); }

url url::without_login() const
{
    url out = *this;
    out.login_.reset();
    return out;
}

url url::with_login_of(const url& other) const
{
    url out = *this;
    out.login_ = other.login_;
    return out;
}

url url::with_port(std::uint16_t port) const
{
    assert(port != 0);
    url out = *this;
    out.port_ = port;
    return out;
}

http::origin url::origin() const { return {scheme_, zone_.empty() ? host_ : host_ + '%' + zone_, port_}; }

std::string url::bracketed_host() const { return host_.find(':') == std::string::npos ? host_ : '[' + host_ + ']'; }

std::string url::target() const { return query_ ? path_ + '?' + *query_ : path_; }

std::string url::authority() const { return port_ == default_port(scheme_) ? bracketed_host() : connect_target(); }

std::string url::connect_target() const { return bracketed_host() + ':' + std::to_string(port_); }

std::string url::absolute_target() const
{
    return std::string(http::to_string(scheme_)).append("://").append(authority()).append(target());
}

std::string url::to_string() const
{
    std::string out(http::to_string(scheme_));
    out.append("://").append(login_ ? "***@" : "").append(authority()).append(path_);
    if (query_)
        out.append("?").append(syntax::redacted_query(*query_));
    return out;
}

std::string url::unredacted() const
{
    std::string out(http::to_string(scheme_));
    out.append("://");
    if (login_)
        out.append(syntax::percent_encode_login(login_->user))
            .append(":")
            .append(syntax::percent_encode_login(login_->password))
            .append("@");
    std::string host = authority();
    if (!zone_.empty())
        host.insert(host.find(']'), "%25" + zone_);
    out.append(host).append(target());
    if (fragment_)
        out.append("#").append(*fragment_);
    return out;
}

std::string redacted(std::string_view text)
{
    try {
        return url::parse(text).to_string();
    }
    catch (const error&) {
        return syntax::redacted_text(text);
    }
}

std::string syntax::redacted_text(std::string_view text)
{
    constexpr std::size_t most_shown = 256;
    std::string out;
    const bool is_path = text.starts_with('/') && !text.starts_with("//"); // that names nobody
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos && !is_path) {
        for (const std::string_view known : {"http://", "https://"})
            if (text.starts_with(known))
                out = known;
        out.append("***");
        text.remove_prefix(at);
    }
    const std::size_t query = text.find_first_of("?#");
    out.append(grammar::printable(text.substr(0, query), most_shown));
    if (query != std::string_view::npos)
        out.append(1, text[query]).append("***");
    return out;
}

} // namespace weir::http
