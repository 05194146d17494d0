#pragma once
// What a client, its responses and its sources share.

#include "connection.hpp"
#include "client_exchange.hpp"
#include "outgoing_body.hpp"

#include <weir/http/client.hpp>

namespace weir::http {

class client::impl {
public:
    impl(const boost::asio::any_io_executor& executor, client_options options);

    using exchange_pointer = std::unique_ptr<client_exchange>;

    /// \param keeper  of the connection, for requests that are made one after the other
    [[nodiscard]] boost::asio::awaitable<response> send(request_head request, clock::time_point deadline,
                                                        std::weak_ptr<kept_connection> keeper = {});
    /// Sends the head of a request whose body follows.
    /// \param length  of the body; nothing: it is sent in chunks
    [[nodiscard]] boost::asio::awaitable<outgoing_body> begin(request_head request, std::optional<std::uint64_t> length,
                                                              clock::time_point deadline);
    // For who may destroy the client meanwhile.
    [[nodiscard]] static boost::asio::awaitable<response> send_kept(std::shared_ptr<impl> self, request_head request,
                                                                    clock::time_point deadline);
    [[nodiscard]] static boost::asio::awaitable<request_stream> begin_kept(std::shared_ptr<impl> self, request_head request,
                                                                           std::optional<std::uint64_t> length,
                                                                           clock::time_point deadline);
    /// The deadline that a request beginning now has from `time_limits::total`.
    [[nodiscard]] clock::time_point deadline() const;

    boost::asio::any_io_executor executor;
    const client_options options;
    const std::shared_ptr<retry_budget> budget;
    const proxy_selector proxies;
    const std::shared_ptr<connection_maker> maker;
    connection_pool<connection_manager> pool;

private:
    /// `Proxy-Authorization` of the user's, which a request loses before an origin or a redirect sees it. It is for one proxy: the
    /// first that the request goes through, be it after a redirect.
    struct proxy_word {
        std::optional<std::string> value;
        std::optional<origin> whose = {};
    };

    [[nodiscard]] boost::asio::awaitable<exchange_pointer> send_once(const request_head& request, proxy_word& for_proxy,
                                                                     clock::time_point deadline,
                                                                     const std::weak_ptr<kept_connection>& keeper);
    [[nodiscard]] boost::asio::awaitable<pooled<connection>> acquire(const connection_key& key, const url& target,
                                                                     clock::time_point deadline);
    [[nodiscard]] connection_key key_of(const url& target, proxy_word& for_proxy) const;
    /// For a proxy that reads the request, or is asked for a tunnel. Empty: none.
    [[nodiscard]] static std::string credentials_for(const url& proxy, const proxy_word& word);
    /// Adds those of the options. \returns  `Proxy-Authorization`, which is no longer among them
    [[nodiscard]] proxy_word add_fields(request_head& request) const;
    [[nodiscard]] bool needs_credentials(const request_head& request, const connection_key& key,
                                         const proxy_word& for_proxy) const;
    void add_credentials(request_head& request, const connection_key& key, const proxy_word& for_proxy) const;
};

/// For what is a part of a client but no member.
struct client_access {
    [[nodiscard]] static const std::shared_ptr<client::impl>& of(client& whole) noexcept { return whole.impl_; }
};

} // namespace weir::http
