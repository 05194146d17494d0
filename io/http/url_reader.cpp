#include "url_reader.hpp"

#include "grammar.hpp"

#include <boost/asio/ip/address_v6.hpp>

namespace weir::http {
namespace {

/// Names of hosts, as DNS and certificates know them. \see RFC 1035, section 2.3.4
constexpr std::size_t max_name_bytes = 253;
constexpr std::size_t max_label_bytes = 63;
constexpr std::size_t max_zone_bytes = 64;

constexpr bool is_label_character(char c) noexcept { return grammar::is_alphanumeric(c) || c == '-' || c == '_'; }
constexpr bool is_zone_character(char c) noexcept { return is_label_character(c) || c == '.' || c == '~'; }

/// Unreserved characters, sub-delimiters, and what is encoded. \see RFC 3986, section 3.2.1
constexpr bool is_login_character(char c) noexcept
{
    return grammar::is_alphanumeric(c) || grammar::is_one_of(c, "-._~!$&'()*+,;=:%");
}

/// Whether C libraries would read the last label as part of an IPv4 address, in one of its many spellings.
bool ends_in_number(std::string_view name) noexcept
{
    if (name.ends_with('.'))
        name.remove_suffix(1);
    const std::string_view last = name.substr(name.rfind('.') + 1);
    const bool hexadecimal = last.starts_with("0x") || last.starts_with("0X");
    return !last.empty()
        && (grammar::all_of(last, grammar::is_digit)
            || (hexadecimal && grammar::all_of(last.substr(2), [](char c) { return grammar::hex_value(c) >= 0; })));
}

std::string lower(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        c = grammar::to_lower(c);
    return out;
}

} // namespace

url url_reader::absolute() const
{
    check_bytes();
    const syntax::components parts = syntax::split(text_);
    if (!parts.scheme)
        fail(0, "no scheme: http:// or https:// is missing");
    return absolute(parts);
}

url url_reader::absolute(const syntax::components& parts) const
{
    url out;
    const std::string name = lower(*parts.scheme);
    if (name != "http" && name != "https")
        fail(0, "http and https are known", errc::unsupported_scheme);
    out.scheme_ = name == "https" ? scheme::https : scheme::http;
    if (!parts.authority)
        fail(parts.scheme->size() + 1, "two slashes and a host must follow the scheme");
    read_authority(out, *parts.authority);
    const std::string path = syntax::normal_path(with_digits(parts.path));
    out.path_ = path.empty() ? "/" : syntax::remove_dot_segments(path);
    read_query(out, parts);
    read_fragment(out, parts);
    return out;
}

url url_reader::relative_to(const url& base)
{
    is_lenient_ = true;
    check_bytes();
    const syntax::components parts = syntax::split(text_);
    if (parts.scheme)
        return absolute(parts);
    if (parts.authority) {
        syntax::components with_scheme = parts;
        with_scheme.scheme = to_string(base.scheme());
        return absolute(with_scheme);
    }
    url out = base;
    const std::string path = syntax::normal_path(with_digits(parts.path));
    if (path.starts_with('/'))
        out.path_ = syntax::remove_dot_segments(path);
    else if (!path.empty())
        out.path_ = syntax::remove_dot_segments(base.path_.substr(0, base.path_.rfind('/') + 1) + path);
    if (!path.empty() || parts.query)
        read_query(out, parts);
    read_fragment(out, parts);
    return out;
}

url url_reader::target_of(const url& base) const
{
    check_bytes();
    check_percent(text_);
    if (!text_.starts_with('/'))
        fail(0, "a target begins with a slash");
    for (std::size_t at = 0; at < text_.size(); ++at)
        if (text_[at] == '#' || !grammar::is_ascii(text_[at]))
            fail(at, "it must be percent-encoded");
    url out = base;
    std::string_view rest = text_;
    out.path_ = grammar::take_until(rest, '?');
    out.query_.reset();
    if (out.path_.size() < text_.size())
        out.query_ = rest;
    return out;
}

void url_reader::fail(std::size_t offset, std::string_view reason, errc code) const
{
    throw error(code, "parse", syntax::redacted_text(text_), offset, reason);
}

void url_reader::fail_at(std::string_view part, std::size_t offset, std::string_view reason) const
{
    fail(static_cast<std::size_t>(part.data() - text_.data()) + offset, reason);
}

void url_reader::check_bytes() const
{
    if (text_.size() > url::max_bytes)
        fail(url::max_bytes, "longer than 64 KiB");
    for (std::size_t at = 0; at < text_.size(); ++at) {
        if (grammar::is_control(text_[at]))
            fail(at, "a control character");
        if (text_[at] == ' ' && !is_lenient_) // where one is harmless it is encoded, and no host has one
            fail(at, "a blank; %20 stands for it");
        if (text_[at] == '\\')
            fail(at, "a backslash; %5C stands for it");
    }
}

void url_reader::check_percent(std::string_view part) const
{
    if (const std::size_t at = syntax::find_bad_percent(part); at != std::string_view::npos)
        fail_at(part, at, "two hexadecimal digits must follow a percent sign");
}

std::string url_reader::with_digits(std::string_view part) const
{
    if (!is_lenient_)
        check_percent(part);
    std::string out;
    for (std::size_t at = 0; (at = syntax::find_bad_percent(part)) != std::string_view::npos; part.remove_prefix(at + 1))
        out.append(part.substr(0, at)).append("%25");
    return out.append(part);
}

void url_reader::read_authority(url& out, std::string_view authority) const
{
    std::string_view rest = authority;
    if (const std::size_t at = authority.find('@'); at != std::string_view::npos) {
        if (authority.rfind('@') != at)
            fail_at(authority, authority.rfind('@'), "a second @; %40 stands for it in a password");
        read_login(out, authority.substr(0, at));
        rest.remove_prefix(at + 1);
    }
    const std::string_view port = read_host(out, rest);
    read_port(out, port);
}

void url_reader::read_login(url& out, std::string_view text) const
{
    const std::size_t colon = text.find(':');
    login who;
    who.user = decoded_login(text.substr(0, colon));
    if (who.user.find(':') != std::string::npos)
        fail_at(text, 0, "a colon in the user name"); // Basic authentication has no way to say it
    if (colon != std::string_view::npos)
        who.password = decoded_login(text.substr(colon + 1));
    if (!text.empty())
        out.login_ = std::move(who);
}

std::string url_reader::decoded_login(std::string_view part) const
{
    check_percent(part);
    if (!grammar::all_of(part, is_login_character))
        fail_at(part, 0, "a character of the user name or password must be percent-encoded");
    std::string decoded = syntax::percent_decode(part);
    for (const char c : decoded)
        if (grammar::is_control(c))
            fail_at(part, 0, "a control character in the user name or password"); // RFC 7617, section 2
    return decoded;
}

std::string_view url_reader::read_host(url& out, std::string_view text) const
{
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos)
            fail_at(text, 0, "a bracket is not closed");
        read_ipv6(out, text.substr(1, end - 1));
        return text.substr(end + 1);
    }
    const std::size_t end = std::min(text.find(':'), text.size());
    read_name(out, text.substr(0, end));
    return text.substr(end);
}

void url_reader::read_name(url& out, std::string_view name) const
{
    if (name.empty())
        fail_at(name, 0, "no host");
    const std::string_view relative = name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
    if (relative.size() > max_name_bytes)
        fail_at(name, max_name_bytes, "the name of a host has at most 253 bytes");
    for (std::size_t begin = 0; begin <= relative.size();) {
        const std::size_t end = std::min(relative.find('.', begin), relative.size());
        check_label(relative.substr(begin, end - begin));
        begin = end + 1;
    }
    if (ends_in_number(name))
        check_ipv4(name);
    out.host_ = lower(name);
}

void url_reader::check_label(std::string_view label) const
{
    if (label.empty() || label.size() > max_label_bytes)
        fail_at(label, 0, "between the dots of a host stand 1 to 63 bytes");
    for (std::size_t at = 0; at < label.size(); ++at)
        if (!is_label_character(label[at]))
            fail_at(label, at, "a host is letters, digits, -, _ and dots; other scripts in the form xn--");
}

void url_reader::check_ipv4(std::string_view address) const
{
    // Only the one spelling: 127.1, 0177.0.0.1 and 0x7f000001 are this machine to some readers and not to others.
    unsigned numbers = 0;
    bool is_plain = !address.ends_with('.');
    for (std::string_view rest = address; !rest.empty(); ++numbers) {
        const std::string_view number = grammar::take_until(rest, '.');
        const bool has_zero_before = number.size() > 1 && number.front() == '0';
        is_plain = is_plain && !has_zero_before && grammar::parse_number(number, 255);
    }
    if (!is_plain || numbers != 4)
        fail_at(address, 0, "neither a name nor an IPv4 address of four decimal numbers");
}

void url_reader::read_ipv6(url& out, std::string_view inside) const
{
    const std::size_t percent = inside.find('%');
    const std::string address(inside.substr(0, percent));
    boost::system::error_code failure;
    const auto read = boost::asio::ip::make_address_v6(address, failure);
    if (failure)
        fail_at(inside, 0, "no IPv6 address");
    out.host_ = read.to_string();
    if (percent != std::string_view::npos)
        read_zone(out, inside.substr(percent));
}

/// \see RFC 6874, section 2
void url_reader::read_zone(url& out, std::string_view zone) const
{
    if (!zone.starts_with("%25"))
        fail_at(zone, 0, "%25 stands before the zone of an IPv6 address");
    check_percent(zone);
    std::string decoded = syntax::percent_decode(zone.substr(3));
    if (decoded.empty() || decoded.size() > max_zone_bytes || !grammar::all_of(decoded, is_zone_character))
        fail_at(zone, 3, "no zone of an IPv6 address");
    out.zone_ = std::move(decoded);
}

void url_reader::read_port(url& out, std::string_view text) const
{
    out.port_ = default_port(out.scheme_);
    if (text.empty())
        return;
    if (text.front() != ':')
        fail_at(text, 0, "a colon and a port, or a slash, follow the host");
    text.remove_prefix(1);
    if (text.empty())
        return; // RFC 3986 allows it
    const std::optional<std::uint64_t> port = grammar::parse_number(text, 65535);
    if (!port || *port == 0)
        fail_at(text, 0, "a port is a number from 1 to 65535");
    out.port_ = static_cast<std::uint16_t>(*port);
}

void url_reader::read_query(url& out, const syntax::components& parts) const
{
    out.query_.reset();
    if (!parts.query)
        return;
    out.query_ = syntax::normal_query(with_digits(*parts.query));
}

void url_reader::read_fragment(url& out, const syntax::components& parts) const
{
    out.fragment_.reset();
    if (!parts.fragment)
        return;
    out.fragment_ = syntax::normal_query(with_digits(*parts.fragment));
}

} // namespace weir::http
