#include "http_options.hpp"

#include "arguments.hpp"
#include "command.hpp"
#include "options.hpp"

#include <weir/content_coding.hpp>
#include <weir/error.hpp>
#include <weir/http/fields.hpp>
#include <weir/http/proxy.hpp>
#include <weir/http/url.hpp>
#include <weir/ingest.hpp>
#include <weir/net/tls_context.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sys/un.h>
#include <utility>

namespace tool {
namespace {

using weir::http::time_limits;

constexpr std::uint64_t most_connections = 64;
// Small objects, by all users together: a server shall not take it for an attack.
constexpr std::size_t fetched_side_by_side = 32;
constexpr double longest_time = 366.0 * 24 * 60 * 60;

/// What the client says itself: two voices about where a message ends, or what becomes of its connection, are one too many.
bool is_of_the_client(std::string_view name)
{
    constexpr std::array names = {"Connection", "Content-Length",    "Expect",  "Keep-Alive", "Proxy-Connection", "TE",
                                  "Trailer",    "Transfer-Encoding", "Upgrade", "If-Range"};
    return std::ranges::any_of(names, [&](std::string_view known) { return weir::http::same_name(known, name); });
}

/// A line may hold a secret, and is never shown.
void add_header_line(weir::http::fields& header, std::string_view line)
{
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos || !weir::http::is_token(name))
        throw usage_error("--header: a line is 'Name: value'; what was given is not shown, as it may be a secret");
    if (is_of_the_client(name))
        throw usage_error(fmt::format("--header {}: this field is set by weir itself", name));
    if (weir::http::same_name(name, "Host") && header.contains(name))
        throw usage_error("--header Host: a request has one");
    if (!header.try_add(name, line.substr(colon + 1)))
        throw usage_error(fmt::format("--header {}: the value has control characters", name));
}

void add_header_lines_of(weir::http::fields& header, std::string path)
{
    try {
        path_list lines(std::move(path), '\n');
        while (std::optional<std::string> line = lines.next()) {
            if (line->ends_with('\r'))
                line->pop_back();
            if (!line->empty())
                add_header_line(header, *line);
        }
    }
    catch (const weir::error& failure) {
        throw usage_error(fmt::format("--header: {}", failure.what()));
    }
}

/// Seconds, with a fraction or without; 0 is no limit.
time_limits::duration read_time(std::string_view option, std::string_view text)
{
    double seconds = -1;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (failure != std::errc() || end != text.data() + text.size() || !(seconds >= 0 && seconds <= longest_time))
        throw usage_error(fmt::format("--{} {}: allowed are seconds, such as 30 or 0.5, or 0 for no limit", option, text));
    return time_limits::duration(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
}

int digit_of(char c)
{
    constexpr std::string_view digits = "0123456789abcdef0123456789ABCDEF";
    const std::size_t at = digits.find(c);
    return at == std::string_view::npos ? -1 : static_cast<int>(at % 16);
}

weir::http::stated_digest read_sha256(std::string_view text)
{
    weir::http::stated_digest digest;
    digest.scope = weir::http::digest_scope::representation;
    digest.field = "--expect-sha256";
    for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
        const int high = digit_of(text[at]);
        const int low = digit_of(text[at + 1]);
        if (high >= 0 && low >= 0)
            digest.value.push_back(static_cast<std::byte>(high * 16 + low));
    }
    const std::size_t size = weir::http::checksum_size(digest.algorithm);
    if (text.size() != 2 * size || digest.value.size() != size)
        throw usage_error(fmt::format("--expect-sha256 {}: a SHA-256 is {} hexadecimal digits", text, 2 * size));
    return digest;
}

bool is_valid(const std::string& url)
{
    try {
        (void)weir::http::url::parse(url);
        return true;
    }
    catch (const weir::error&) {
        return false;
    }
}

std::string read_proxy(std::string_view text)
{
    weir::http::proxy_options options;
    options.proxy = text;
    options.no_proxy = "";
    try {
        (void)weir::http::proxy_selector(options).proxy_for(weir::http::url::parse("http://any.invalid/"));
    }
    catch (const weir::error& failure) {
        throw usage_error(fmt::format("--proxy: {}", failure.what()));
    }
    return std::string(text);
}

std::string read_socket_path(std::string_view text)
{
    if (text.empty() || text.size() >= sizeof(sockaddr_un::sun_path))
        throw usage_error(fmt::format("--unix-socket '{}': a path of 1 to {} bytes is needed", text,
                                      sizeof(sockaddr_un::sun_path) - 1));
    return std::string(text);
}

/// Each URL of the command line that a proxy is for has one that can be used. \throws usage_error
void check_proxies(const weir::http::proxy_options& options, const std::vector<std::string>& arguments)
{
    const weir::http::proxy_selector proxies(options);
    for (const std::string& each : arguments) {
        std::optional<weir::http::url> proxy;
        if (!weir::is_url(each) || !is_valid(each))
            continue; // the second is told in its turn
        const weir::http::url target = weir::http::url::parse(each);
        try {
            proxy = proxies.proxy_for(target);
        }
        catch (const weir::error& failure) {
            throw usage_error(failure.what());
        }
        if (proxy && proxy->is_secure() && target.is_secure())
            throw usage_error(fmt::format("{}: an https URL is reached through an http proxy alone, not through {}",
                                          target.to_string(), proxy->to_string()));
    }
}

void check_certificates(const weir::net::tls_options& options)
{
    try {
        if (!options.ca_file.empty())
            (void)weir::net::tls_context(options);
    }
    catch (const weir::error& failure) {
        throw usage_error(fmt::format("--cacert: {}", failure.what()));
    }
}

} // namespace

http_options::http_options(command_line& line)
{
    values_.client.tls.trust_at_first_use = true; // half the time of a small object by plain http
    line.begin_group("URLs (http and https)");
    add_requests(line);
    add_ways(line);
    add_limits(line);
}

void http_options::add_requests(command_line& line)
{
    line.add({"header", "LINE", "send 'Name: value' with each request; @FILE: the lines of FILE",
              [this](std::string_view text) {
                  if (text.starts_with('@'))
                      add_header_lines_of(values_.source.header, std::string(text.substr(1)));
                  else
                      add_header_line(values_.source.header, text);
              },
              'H'});
    line.add({"expect-sha256", "HEX", "the SHA-256 that the one URL's content must have",
              [this](std::string_view text) { values_.source.expected = read_sha256(text); }});
    line.add({"parallel", "N", "connections that fetch parts of an object at a time (default: 1)",
              [this](std::string_view text) {
                  values_.source.parallel = read_number("parallel", text, 1, most_connections);
              }});
    line.add({"retries", "N", "so many in a row without progress (default: 4)", [this](std::string_view text) {
                  values_.client.retry.attempts = 1 + static_cast<unsigned>(read_number("retries", text, 0, 1000));
              }});
    line.add({"max-rate", "SIZE", "no faster than so many bytes a second, each URL",
              [this](std::string_view text) { values_.source.max_rate = read_size("max-rate", text); }});
}

void http_options::add_ways(command_line& line)
{
    line.add({"cacert", "FILE", "trust the certificates in FILE (PEM) in place of the system's",
              [this](std::string_view text) {
                  if (text.empty())
                      throw usage_error("--cacert '': no file has this name");
                  values_.client.tls.ca_file = text;
              }});
    line.add({"insecure", "", "trust whoever answers: anybody on the way can read and change all",
              [this](std::string_view) { values_.client.tls.verify_peer = false; }});
    line.add({"proxy", "URL", "through this http proxy, or https for http URLs; '': through none",
              [this](std::string_view text) { values_.client.proxy.proxy = read_proxy(text); }});
    line.add({"unix-socket", "PATH", "connect to this socket, whatever the host",
              [this](std::string_view text) { values_.client.unix_socket = read_socket_path(text); }});
}

void http_options::add_time(command_line& line, std::string name, std::string help,
                            std::vector<time_limits::duration time_limits::*> sets)
{
    line.add({name, "SECS", std::move(help), [this, name, sets = std::move(sets)](std::string_view text) {
                  for (const auto member : sets)
                      values_.client.limits.*member = read_time(name, text);
              }});
}

void http_options::add_limits(command_line& line)
{
    add_time(line, "timeout-connect", "for a name, for a connection, for TLS (default: 10, 30, 30)",
             {&time_limits::resolve, &time_limits::connect});
    add_time(line, "timeout-first-byte", "from a request to its answer (default: 60)", {&time_limits::first_byte});
    add_time(line, "timeout-idle", "without a byte (default: 60)", {&time_limits::idle});
    add_time(line, "timeout-total", "for all of a URL, with its retries (default: no limit)", {&time_limits::total});
    line.add({"min-rate", "SIZE", "give up what comes slower, in bytes a second, over 30 seconds",
              [this](std::string_view text) { values_.client.limits.min_rate = read_size("min-rate", text); }});
}

http_settings http_options::resolve(const std::vector<std::string>& arguments, bool or_more) const
{
    const bool one_url = arguments.size() == 1 && weir::is_url(arguments.front()) && !or_more;
    if (values_.source.expected && !one_url)
        throw usage_error("--expect-sha256 is for one URL");
    const bool one_connection = values_.source.max_rate != 0 || values_.source.header.contains("Range");
    if (values_.source.parallel > 1 && one_connection)
        throw usage_error("--parallel does not go together with --max-rate, or with a Range of --header");
    if (!values_.client.unix_socket.empty() && values_.client.proxy.proxy)
        throw usage_error("--unix-socket and --proxy exclude each other");
    if (!values_.client.tls.ca_file.empty() && !values_.client.tls.verify_peer)
        throw usage_error("--cacert and --insecure exclude each other");
    check_certificates(values_.client.tls);
    if (values_.client.unix_socket.empty())
        check_proxies(values_.client.proxy, arguments);
    return values_;
}

void refuse_parts(const http_settings& values, std::string_view what)
{
    if (values.source.header.contains("Range"))
        throw usage_error(fmt::format("{} does not go together with a Range of --header: a part cannot be decoded", what));
}

void accept_codings(http_settings& values)
{
    refuse_parts(values, "--decompress");
    weir::http::fields& header = values.source.header;
    if (!header.contains("Accept-Encoding"))
        header.add("Accept-Encoding", weir::accepted_content_codings());
}

std::string doubt_of(const std::string& url)
{
    return fmt::format("{}: {}", weir::http::redacted(url), weir::http::source_report::doubt);
}

void warn_of_insecurity(const http_settings& values)
{
    if (!values.client.tls.verify_peer)
        say("warning: --insecure: servers are NOT checked; anybody on the way can read and change what is transferred");
}

http_opener::http_opener(asio::any_io_executor executor, http_settings values, std::size_t users,
                         std::function<void(std::string_view)> notice)
    : executor_(std::move(executor)), values_(std::move(values)),
      connections_(std::clamp<std::size_t>(fetched_side_by_side / users, 1, 16))
{
    values_.source.notice = std::move(notice);
    const std::size_t wanted = users * std::max(connections_, values_.source.parallel);
    auto& pool = values_.client.connections;
    pool.max_per_key = std::max(pool.max_per_key, wanted);
    pool.max_total = std::max(pool.max_total, wanted);
}

weir::http::client& http_opener::client()
{
    const std::lock_guard lock(mutex_);
    if (!client_)
        client_ = std::make_unique<weir::http::client>(executor_, values_.client);
    return *client_;
}

asio::awaitable<std::unique_ptr<weir::http::http_source>> http_opener::open(std::string url, bool tell_of_doubt)
{
    weir::http::url target = weir::http::url::parse(url);
    weir::http::source_options how = values_.source;
    how.tell_of_doubt = tell_of_doubt;
    return weir::http::open(client(), std::move(target), std::move(how));
}

asio::awaitable<std::vector<weir::url_request>> http_opener::fetch(std::vector<weir::url_request> requests)
{
    return weir::http::fetch_all(client(), std::move(requests), values_.source, connections_);
}

void http_opener::close() noexcept
{
    const std::lock_guard lock(mutex_);
    if (client_)
        client_->close();
}

} // namespace tool
