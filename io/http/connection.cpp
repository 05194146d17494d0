#include "connection.hpp"

#include "error_detail.hpp"
#include "grammar.hpp"
#include "net/unsent.hpp"
#include "structured.hpp"

#include <weir/as_result.hpp>
#include <weir/error.hpp>
#include <weir/http/writer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace weir::http {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t most_noted_failures = 1000;
constexpr unsigned most_interim_of_proxy = 8;
constexpr std::string_view connect_through_proxy = "connect through proxy";
constexpr auto farewell_limit = std::chrono::seconds(2);

std::string with_port(const origin& where)
{
    const std::string host = where.host.find(':') == std::string::npos ? where.host : "[" + where.host + "]";
    return host + ":" + std::to_string(where.port);
}

/// For CONNECT: zones mean nothing to a proxy.
url url_of(origin to)
{
    to.host.resize(std::min(to.host.find('%'), to.host.size()));
    return url::parse("https://" + with_port(to));
}

/// The same, with what it was for: several URLs may be of one host, and one of several hosts.
error named(const error& failure, const url& wanted)
{
    const std::string operation = failure.operation() + " " + failure.subject() + " for";
    return {failure.code(), operation, wanted.to_string(), failure.offset(), detail_of(failure)};
}

} // namespace

void connection::fail(const boost::system::error_code& code, std::string_view operation) const
{
    throw error(code, operation, stream_.peer(), std::nullopt, stream_.tls_failure());
}

asio::awaitable<std::size_t> connection::read_some(std::span<std::byte> into)
{
    const auto [failed, got] = co_await stream_.async_read_some(asio::buffer(into.data(), into.size()),
                                                                asio::as_tuple(asio::use_awaitable));
    if (failed == asio::error::eof)
        co_return 0;
    if (failed)
        fail(failed, "read");
    co_return got;
}

asio::awaitable<void> connection::write(std::span<const asio::const_buffer> parts,
                                        const std::function<void()>& before_each)
{
    std::vector<asio::const_buffer> left(parts.begin(), parts.end());
    for (std::span<asio::const_buffer> rest = net::unsent(left, 0); !rest.empty();) {
        before_each();
        const auto [failed, sent] = co_await stream_.async_write_some(rest, asio::as_tuple(asio::use_awaitable));
        if (failed)
            fail(failed, "write");
        rest = net::unsent(rest, sent);
    }
}

asio::awaitable<void> connection::write_head(std::string_view text, const std::function<void()>& before_each)
{
    std::array<asio::const_buffer, 1> left{asio::buffer(text)};
    before_each();
    if (const auto done = stream_.try_write_some(left)) {
        if (done->failed)
            fail(done->failed, "write");
        left.front() += done->bytes;
    }
    if (left.front().size() != 0)
        co_await write(left, before_each);
}

asio::awaitable<void> connection::read_head(response_reader& reader)
{
    while (!reader.done()) {
        if (unused().empty()) {
            begin_ = end_ = 0;
            const std::span<std::byte> all(buffer_.get(), buffer_bytes);
            end_ = co_await read_some(all);
            if (end_ == 0)
                reader.end_of_stream();
        }
        use(reader.feed(unused()));
    }
}

pooled<connection> kept_connection::take(const connection_key& key)
{
    if (!connection_ || key_ != key || !connection_.renew()) {
        release();
        key_ = key;
    }
    return std::move(connection_);
}

void kept_connection::release() noexcept
{
    if (connection_)
        connection_->stream().expires_at(clock::time_point::max());
    connection_.release();
}

std::string basic_credentials(const login& who)
{
    const std::string both = who.user + ":" + who.password;
    return "Basic " + encode_base64(std::as_bytes(std::span(both)));
}

connection_maker::connection_maker(const client_options& options)
    : limits_(options.limits), unix_socket_(options.unix_socket), tls_(options.tls)
{
}

asio::awaitable<connection> connection_maker::make(connection_key key)
{
    result<connection> made = co_await as_result(connect(key));
    note(key, made.exception());
    co_return std::move(made).value();
}

asio::awaitable<connection> connection_maker::connect(const connection_key& key)
{
    const bool secure = key.to.scheme == scheme::https;
    if (!key.proxy) {
        net::transport direct = co_await dial(key.to, secure);
        co_return connection(std::move(direct), false);
    }
    if (!secure) {
        net::transport proxy = co_await dial(key.proxy->origin(), key.proxy->is_secure());
        co_return connection(std::move(proxy), true);
    }
    net::transport through = co_await tunnel(key);
    net::transport trusted = co_await net::secured(std::move(through), tls_, key.to.host, key.to.port, limit_after(limits_.connect));
    co_return connection(std::move(trusted), false);
}

asio::awaitable<net::transport> connection_maker::dial(const origin& to, bool secure)
{
    net::dial_limits limits;
    limits.resolve = limits_.resolve;
    limits.connect = limits.tls = limits_.connect;
    net::dial_target target;
    target.host = to.host;
    target.port = to.port;
    target.unix_path = unix_socket_;
    if (secure)
        target.tls = tls_;
    net::transport made = co_await net::dial(names_, target, limits, clock::time_point::max());
    co_return made;
}

namespace {

asio::awaitable<response_head> ask_proxy(connection& proxy, const request_head& ask)
{
    std::string text;
    write_head(text, ask, target_form::authority, framing{.reusable = true});
    const std::function<void()> within_one_limit = [] {};
    co_await proxy.write_head(text, within_one_limit);
    response_reader answer;
    for (unsigned interim = 0; interim <= most_interim_of_proxy; ++interim) {
        co_await proxy.read_head(answer);
        response_head head = answer.take();
        if (!head.is_interim())
            co_return head;
    }
    throw error(errc::protocol_violation, "read", "answer of the proxy", std::nullopt, "interim answers without end");
}

} // namespace

/// Asks the proxy for a way through. \see RFC 9110, section 9.3.6
asio::awaitable<net::transport> connection_maker::tunnel(const connection_key& key)
{
    const std::string shown = key.proxy->to_string();
    if (key.proxy->is_secure())
        throw error(errc::unsupported_scheme, "use proxy", shown, std::nullopt, "TLS through a proxy over TLS");
    net::transport plain = co_await dial(key.proxy->origin(), false);
    connection proxy(std::move(plain), true);
    proxy.stream().expires_at(limit_after(limits_.connect));

    request_head ask{"CONNECT", url_of(key.to), {}, request_body::none};
    if (!key.proxy_credentials.empty())
        ask.header.set("Proxy-Authorization", key.proxy_credentials);
    const result<response_head> head = co_await as_result(ask_proxy(proxy, ask));
    if (!head && head.code() == condition::cancelled)
        head.value();
    if (!head)
        throw error(head.code(), connect_through_proxy, shown, std::nullopt, head.message());
    if (head->status / 100 != 2) {
        const error refusal(errc::http_status, connect_through_proxy, shown, std::nullopt,
                            std::to_string(head->status) + " " + grammar::printable(head->reason));
        std::optional<std::string> retry_after;
        if (const auto when = head->header.find_only("Retry-After"))
            retry_after.emplace(*when);
        throw proxy_refusal(refusal, head->status, std::move(retry_after));
    }
    if (!proxy.unused().empty())
        throw error(errc::protocol_violation, connect_through_proxy, shown, std::nullopt, "bytes before the tunnel's");
    proxy.stream().expires_at(clock::time_point::max());
    co_return std::move(proxy).detach();
}

void connection_maker::note(const connection_key& key, const std::exception_ptr& failure)
{
    const std::lock_guard lock(mutex_);
    if (!failure)
        failures_.erase(key);
    else if (failures_.size() < most_noted_failures || failures_.contains(key))
        failures_[key] = failure;
}

void connection_maker::raise_failure(const connection_key& key, std::error_code code, const url& wanted) const
{
    std::exception_ptr known;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = failures_.find(key); found != failures_.end())
            known = found->second;
    }
    if (!known || code_of(known) != code)
        throw named(error(code, "connect to", with_port(key.to)), wanted);
    try {
        std::rethrow_exception(known);
    }
    catch (const proxy_refusal& refusal) {
        throw proxy_refusal(named(refusal, wanted), refusal.status(), refusal.retry_after());
    }
    catch (const error& failure) {
        throw named(failure, wanted);
    }
}

asio::awaitable<void> connection_manager::close(connection& which)
{
    return which.stream().shutdown(clock::now() + farewell_limit);
}

std::string connection_manager::describe(const connection_key& key)
{
    std::string text = std::string(to_string(key.to.scheme)) + "://" + with_port(key.to);
    if (key.proxy)
        text += " through " + key.proxy->to_string();
    return text;
}

} // namespace weir::http

std::size_t std::hash<weir::http::connection_key>::operator()(const weir::http::connection_key& key) const noexcept
{
    std::size_t value = std::hash<std::string>()(key.to.host) * 31 + key.to.port;
    if (key.proxy)
        value = value * 31 + std::hash<std::string>()(key.proxy->host()) + key.proxy->port();
    return value * 2 + (key.to.scheme == weir::http::scheme::https);
}
