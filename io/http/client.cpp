#include "client_impl.hpp"
#include "error_detail.hpp"

#include <weir/as_result.hpp>
#include <weir/error.hpp>
#include <weir/http/redirect.hpp>
#include <weir/http/retry.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace weir::http {

namespace asio = boost::asio;

namespace {

constexpr std::uint64_t least_budget = 100;

/// All requests that can be under way at a time may be tried as often as the options say before one of them succeeds.
unsigned budget_of(const client_options& options)
{
    const std::uint64_t retries = std::max(options.retry.attempts, 1u) - 1;
    const std::uint64_t requests = std::min<std::uint64_t>(options.connections.max_total, 1u << 20);
    return static_cast<unsigned>(std::clamp<std::uint64_t>(retries * requests, least_budget, 1'000'000));
}

connection_pool_options pool_options_of(const client_options& options)
{
    connection_pool_options out = options.connections;
    out.create_limit = connection_pool_options::unlimited; // each step has its own
    out.wait_limit = connection_pool_options::unlimited;   // the deadline of the request bounds it
    if (options.limits.pool != time_limits::unlimited)
        out.wait_limit = options.limits.pool;
    return out;
}

} // namespace

client::impl::impl(const asio::any_io_executor& where, client_options given)
    : executor(where), options(std::move(given)),
      budget(std::make_shared<retry_budget>(budget_of(options))), proxies(options.proxy),
      maker(std::make_shared<connection_maker>(options)),
      pool(executor, connection_manager{maker}, pool_options_of(options))
{
}

client::clock::time_point client::impl::deadline() const { return limit_after(options.limits.total); }

asio::awaitable<response> client::impl::send(request_head request, clock::time_point until,
                                             std::weak_ptr<kept_connection> keeper)
{
    proxy_word for_proxy = add_fields(request);
    for (unsigned followed = 0;; ++followed) {
        exchange_pointer answer = co_await send_once(request, for_proxy, until, keeper);
        std::optional<request_head> next =
            follow_redirect(request, answer->head().status, answer->head().header, followed, options.redirects);
        if (!next)
            co_return response(std::move(answer));
        co_await answer->discard();
        request = std::move(*next);
    }
}

/// On a connection that was used before, the peer may have hung up while it was idle: then once more, on a new one.
asio::awaitable<client::impl::exchange_pointer>
client::impl::send_once(const request_head& request, proxy_word& for_proxy, clock::time_point until,
                        const std::weak_ptr<kept_connection>& keeper)
{
    const connection_key key = key_of(request.target, for_proxy);
    std::unique_ptr<request_head> with_credentials; // for this origin only
    if (needs_credentials(request, key, for_proxy)) {
        with_credentials = std::make_unique<request_head>(request);
        add_credentials(*with_credentials, key, for_proxy);
    }
    const request_head& sent = with_credentials ? *with_credentials : request;
    retry_policy policy(request, {}, nullptr);
    for (;;) {
        pooled<connection> lent;
        if (const auto kept = keeper.lock())
            lent = kept->take(key);
        if (!lent)
            lent = co_await acquire(key, request.target, until);
        auto made = std::make_unique<client_exchange>(std::move(lent), request.target, options, until, keeper);
        const result<void> asked = co_await as_result(made->ask(sent));
        if (asked)
            co_return made;
        failed_attempt failed;
        failed.error = asked.code();
        failed.answered = made->is_answered();
        failed.reused_connection = made->has_reused_connection();
        if (!policy.after(failed, retry_policy::clock::now()).fresh_connection)
            asked.value();
        made.reset();
        pool.close_idle(key); // what was idle with it is likely gone too
    }
}

asio::awaitable<outgoing_body> client::impl::begin(request_head request, std::optional<std::uint64_t> length,
                                                   clock::time_point until)
{
    proxy_word for_proxy = add_fields(request);
    const connection_key key = key_of(request.target, for_proxy);
    add_credentials(request, key, for_proxy);
    pooled<connection> lent = co_await acquire(key, request.target, until);
    auto made = std::make_unique<client_exchange>(std::move(lent), request.target, options, until);
    const framing how = framing_of_body(length);
    co_await made->send_head(request, how);
    co_return outgoing_body(std::move(made), length);
}

/// \throws  what the maker says, with whom and for which URL
asio::awaitable<pooled<connection>> client::impl::acquire(const connection_key& key, const url& target,
                                                          clock::time_point until)
{
    auto [failed, lent] = co_await pool.async_acquire(key, until, asio::as_tuple(asio::use_awaitable));
    if (failed)
        maker->raise_failure(key, failed, target);
    co_return std::move(lent);
}

connection_key client::impl::key_of(const url& target, proxy_word& for_proxy) const
{
    connection_key key;
    key.to = target.origin();
    if (options.unix_socket.empty())
        key.proxy = proxies.proxy_for(target);
    if (key.proxy && !for_proxy.whose)
        for_proxy.whose = key.proxy->origin();
    if (key.proxy && target.is_secure()) // a tunnel is asked for once, and is whose credentials it was asked with
        key.proxy_credentials = credentials_for(*key.proxy, for_proxy);
    return key;
}

std::string client::impl::credentials_for(const url& proxy, const proxy_word& word)
{
    if (word.value && word.whose == proxy.origin())
        return *word.value;
    return proxy.login() ? basic_credentials(*proxy.login()) : std::string();
}

client::impl::proxy_word client::impl::add_fields(request_head& request) const
{
    for (const field& line : options.header)
        if (!request.header.contains(line.name))
            request.header.add(line.name, line.value);
    proxy_word for_proxy;
    if (const auto value = request.header.find("Proxy-Authorization")) {
        for_proxy.value.emplace(*value);
        request.header.erase("Proxy-Authorization");
    }
    return for_proxy;
}

bool client::impl::needs_credentials(const request_head& request, const connection_key& key,
                                     const proxy_word& for_proxy) const
{
    return request.target.login() || (key.proxy && (for_proxy.value || key.proxy->login()));
}

void client::impl::add_credentials(request_head& request, const connection_key& key, const proxy_word& for_proxy) const
{
    if (request.target.login() && !request.header.contains("Authorization"))
        request.header.set("Authorization", basic_credentials(*request.target.login()));
    if (!key.proxy || request.target.is_secure())
        return; // there is nobody between who reads it
    if (const std::string credentials = credentials_for(*key.proxy, for_proxy); !credentials.empty())
        request.header.set("Proxy-Authorization", credentials);
}

client::client(const asio::any_io_executor& executor, client_options options)
    : impl_(std::make_shared<impl>(executor, std::move(options)))
{
}
client::client(const asio::any_io_executor& executor) : client(executor, client_options()) {}
client::~client() { close(); }

// What was begun keeps what it works with: the client may go before it is awaited, and while it runs.

asio::awaitable<response> client::impl::send_kept(std::shared_ptr<impl> self, request_head request,
                                                  clock::time_point until)
{
    co_return co_await self->send(std::move(request), std::min(until, self->deadline()));
}

asio::awaitable<request_stream> client::impl::begin_kept(std::shared_ptr<impl> self, request_head request,
                                                         std::optional<std::uint64_t> length, clock::time_point until)
{
    outgoing_body made = co_await self->begin(std::move(request), length, std::min(until, self->deadline()));
    auto body = std::make_unique<outgoing_body>(std::move(made));
    co_return request_stream(std::move(body));
}

asio::awaitable<response> client::send(request_head request, clock::time_point deadline)
{
    return impl::send_kept(impl_, std::move(request), deadline);
}
asio::awaitable<response> client::send(request_head request) { return send(std::move(request), clock::time_point::max()); }

asio::awaitable<request_stream> client::begin(request_head request, std::optional<std::uint64_t> length,
                                              clock::time_point deadline)
{
    return impl::begin_kept(impl_, std::move(request), length, deadline);
}
asio::awaitable<request_stream> client::begin(request_head request, std::optional<std::uint64_t> length)
{
    return begin(std::move(request), length, clock::time_point::max());
}

void client::close() noexcept { impl_->pool.close(); }
const asio::any_io_executor& client::executor() const noexcept { return impl_->executor; }
const client_options& client::options() const noexcept { return impl_->options; }
const std::shared_ptr<retry_budget>& client::budget() const noexcept { return impl_->budget; }
connection_pool_statistics client::statistics() const { return impl_->pool.statistics(); }

status_error::status_error(std::string_view method, const url& target, const response_head& head)
    : error(errc::http_status, method, target.to_string(), std::nullopt,
            std::to_string(head.status) + (head.reason.empty() ? "" : " ") + redacted(head.reason)),
      status_(head.status)
{
}

status_error::status_error(const status_error& known, std::string_view remark)
    : error(with_remark(known, remark)), status_(known.status_)
{
}

} // namespace weir::http
