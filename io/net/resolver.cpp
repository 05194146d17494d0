#include <weir/net/resolver.hpp>

#include "base/ascii.hpp"
#include "net/endpoint_text.hpp"
#include "net/lookups.hpp"

#include <weir/cache.hpp>
#include <weir/cancel.hpp>
#include <weir/error.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <netdb.h>

namespace weir::net {

namespace asio = boost::asio;
using addresses = std::vector<asio::ip::address>;

namespace {

constexpr std::size_t longest_name = 255; // RFC 1035, section 2.3.4

resolver_options checked(resolver_options options)
{
    const auto refuse = [](std::string_view option) {
        throw error(errc::bad_configuration, "make a resolver", option, std::nullopt, "0 is not possible");
    };
    if (options.threads == 0)
        refuse("threads");
    if (options.max_waiting == 0)
        refuse("max_waiting");
    if (options.cache_time.count() < 0)
        throw error(errc::bad_configuration, "make a resolver", "cache_time", std::nullopt, "less than 0");
    if (!options.lookup)
        options.lookup = &system_lookup;
    return options;
}

/// As names are compared.
std::string lower_case(std::string_view host)
{
    std::string name(host);
    std::ranges::transform(name, name.begin(), ascii::to_lower);
    return name;
}

bool is_localhost(std::string_view name) noexcept
{
    if (name.ends_with('.'))
        name.remove_suffix(1);
    return name == "localhost" || name.ends_with(".localhost");
}

/// Addresses that need no look-up.
std::optional<addresses> known_addresses(const std::string& name)
{
    boost::system::error_code not_numeric;
    const asio::ip::address numeric = asio::ip::make_address(name, not_numeric);
    if (!not_numeric)
        return addresses{numeric};
    if (is_localhost(name))
        return addresses{asio::ip::address_v6::loopback(), asio::ip::address_v4::loopback()};
    return std::nullopt;
}

std::vector<asio::ip::tcp::endpoint> with_port(const addresses& hosts, std::uint16_t port)
{
    std::vector<asio::ip::tcp::endpoint> endpoints;
    endpoints.reserve(hosts.size());
    for (const asio::ip::address& host : hosts)
        endpoints.emplace_back(host, port);
    return endpoints;
}

} // namespace

addresses system_lookup(const std::string& host)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* first = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &first);
    const bool may_pass = failed == EAI_AGAIN || failed == EAI_SYSTEM || failed == EAI_MEMORY;
    if (failed != 0)
        throw error(may_pass ? errc::resolver_unavailable : errc::resolve_failed, "resolve", host, std::nullopt,
                    failed == EAI_SYSTEM ? std::generic_category().message(errno) : ::gai_strerror(failed));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(first, &::freeaddrinfo);
    addresses found;
    for (const addrinfo* each = first; each; each = each->ai_next) {
        asio::ip::tcp::endpoint endpoint;
        if (each->ai_addrlen > endpoint.capacity())
            continue;
        std::memcpy(endpoint.data(), each->ai_addr, each->ai_addrlen);
        found.push_back(endpoint.address());
    }
    return found;
}

struct resolver::state {
    using answer_cache = cache<std::string, addresses>;

    explicit state(resolver_options given)
    {
        resolver_options options = checked(std::move(given));
        if (options.cache_time.count() > 0 && options.cache_entries > 0) {
            answers = std::make_shared<answer_cache>(
                cache_options{.max_count = options.cache_entries, .time_to_live = options.cache_time});
            // By the thread: an answer that nobody waits for any more is there for who asks next.
            options.lookup = [kept = answers, lookup = std::move(options.lookup)](const std::string& host) {
                addresses found = lookup(host);
                if (!found.empty())
                    kept->put(host, found);
                return found;
            };
        }
        lookups = detail::lookups::make(options);
    }

    std::shared_ptr<answer_cache> answers; ///< null: nothing is remembered
    std::shared_ptr<detail::lookups> lookups;
    std::atomic<std::uint64_t> cached{0};
};

resolver::resolver(resolver_options options) : state_(std::make_shared<state>(std::move(options))) {}

resolver::~resolver() { state_->lookups->close(); }

asio::awaitable<std::vector<asio::ip::tcp::endpoint>> resolver::resolve(std::string_view host, std::uint16_t port,
                                                                        clock::time_point deadline)
{
    const std::string name = lower_case(detail::without_brackets(host));
    if (name.empty() || name.size() > longest_name || name.find('\0') != name.npos)
        throw error(errc::resolve_failed, "resolve", host, std::nullopt, "not a host name");
    if (const auto known = known_addresses(name))
        co_return with_port(*known, port);
    const std::shared_ptr<state> self = state_; // the resolver may end meanwhile
    if (self->answers)
        if (const auto remembered = self->answers->find(name)) {
            self->cached.fetch_add(1, std::memory_order_relaxed);
            co_return with_port(*remembered, port);
        }
    auto looking = self->lookups->async_find(name, asio::use_awaitable);
    if (deadline != clock::time_point::max())
        looking = with_deadline(std::move(looking), deadline);
    const result<detail::lookups::answer> outcome = co_await as_result(std::move(looking));
    if (!outcome)
        throw error(outcome.code(), "resolve", host);
    const addresses& hosts = outcome.value()->value(); // throws what the look-up threw
    co_return with_port(hosts, port);
}

void resolver::clear_cache()
{
    if (state_->answers)
        state_->answers->clear();
}

resolver_statistics resolver::statistics() const
{
    resolver_statistics now = state_->lookups->statistics();
    now.cached = state_->cached.load(std::memory_order_relaxed);
    return now;
}

} // namespace weir::net
