#pragma once
// Connections of a client: what its pool keeps, by what, and how they are made.

#include <weir/connection_pool.hpp>
#include <weir/error.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/head_reader.hpp>
#include <weir/http/url.hpp>
#include <weir/net/dial.hpp>
#include <weir/net/resolver.hpp>
#include <weir/net/tls_context.hpp>
#include <weir/net/transport.hpp>
#include <weir/pooled.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace weir::http {

/// A transport, and what was read of it that nobody has used.
class connection {
public:
    /// \param reading_proxy  requests go to a proxy that reads them, and so name the whole URL
    connection(net::transport stream, bool reading_proxy)
        : stream_(std::move(stream)), buffer_(new std::byte[buffer_bytes]), reading_proxy_(reading_proxy)
    {
    }

    [[nodiscard]] net::transport& stream() noexcept { return stream_; }
    [[nodiscard]] net::transport detach() && noexcept { return std::move(stream_); }
    [[nodiscard]] bool has_reading_proxy() const noexcept { return reading_proxy_; }

    /// Reads at least a byte. \returns  0 at the end of the stream
    /// \throws weir::error  what the transport reports, with the peer
    [[nodiscard]] boost::asio::awaitable<std::size_t> read_some(std::span<std::byte> into);
    /// Writes all of it. \throws weir::error  as `read_some`
    /// \param before_each  called before each piece that the peer takes: to renew a limit of time
    [[nodiscard]] boost::asio::awaitable<void> write(std::span<const boost::asio::const_buffer> parts,
                                                     const std::function<void()>& before_each);
    /// The same of a short text, which mostly goes out whole: then it does not suspend.
    [[nodiscard]] boost::asio::awaitable<void> write_head(std::string_view text, const std::function<void()>& before_each);

    /// What was read ahead.
    [[nodiscard]] std::span<const std::byte> unused() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }
    void use(std::size_t count) noexcept { begin_ += count; }
    /// Reads until `reader` has a head. \throws weir::error  as `read_some` and `reader` do
    [[nodiscard]] boost::asio::awaitable<void> read_head(response_reader& reader);

private:
    static constexpr std::size_t buffer_bytes = std::size_t{16} << 10;

    [[noreturn]] void fail(const boost::system::error_code& code, std::string_view operation) const;

    net::transport stream_;
    std::unique_ptr<std::byte[]> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool reading_proxy_;
};

/// A proxy that gives no tunnel.
class proxy_refusal : public error {
public:
    proxy_refusal(const error& what, unsigned status, std::optional<std::string> retry_after)
        : error(what), status_(status), retry_after_(std::move(retry_after))
    {
    }
    [[nodiscard]] unsigned status() const noexcept { return status_; }
    [[nodiscard]] const std::optional<std::string>& retry_after() const noexcept { return retry_after_; }

private:
    unsigned status_;
    std::optional<std::string> retry_after_;
};

/// What may share a connection.
struct connection_key {
    http::origin to;
    std::optional<url> proxy;
    std::string proxy_credentials = {}; ///< of a tunnel: what `Proxy-Authorization` says when it is asked for

    friend bool operator==(const connection_key&, const connection_key&) = default;
};

} // namespace weir::http

template <> struct std::hash<weir::http::connection_key> {
    std::size_t operator()(const weir::http::connection_key& key) const noexcept;
};

namespace weir::http {

/// The connection of requests that are made one after the other: kept from one to the next where both can go over it and
/// nobody else waits for one, and given back else. Besides the pool's work this saves a timer's: the limit of time is
/// only moved on.
/// \par Thread-safety
/// On the strand of these requests.
class kept_connection {
public:
    kept_connection() = default;
    kept_connection(const kept_connection&) = delete;
    kept_connection& operator=(const kept_connection&) = delete;
    ~kept_connection() { release(); }

    /// What is kept, lent anew, for a request by `key`. \returns  none where it does not fit; it is back in its pool then
    [[nodiscard]] pooled<connection> take(const connection_key& key);
    /// \param whole  taken last, or acquired by the key of the last `take`; its last answer is over
    void keep(pooled<connection> whole) noexcept { connection_ = std::move(whole); }
    void release() noexcept;

private:
    pooled<connection> connection_;
    connection_key key_;
};

/// When a step that begins now is to be over.
[[nodiscard]] inline std::chrono::steady_clock::time_point limit_after(time_limits::duration step)
{
    using clock = std::chrono::steady_clock;
    return step == time_limits::unlimited ? clock::time_point::max() : clock::now() + step;
}

/// `Basic ...`: the value of `Authorization`, or of `Proxy-Authorization`. \see RFC 7617
[[nodiscard]] std::string basic_credentials(const login& who);

/// Makes the connections of one client.
class connection_maker {
public:
    explicit connection_maker(const client_options& options);

    /// \throws weir::error  as `client::send` for what concerns connections
    [[nodiscard]] boost::asio::awaitable<connection> make(connection_key key);

    /// Throws what was said when making a connection failed last: more than the code, which is all a pool hands on.
    /// \param wanted  what the connection was for: the message names it
    [[noreturn]] void raise_failure(const connection_key& key, std::error_code code, const url& wanted) const;

private:
    [[nodiscard]] boost::asio::awaitable<connection> connect(const connection_key& key);
    [[nodiscard]] boost::asio::awaitable<net::transport> dial(const origin& to, bool secure);
    [[nodiscard]] boost::asio::awaitable<net::transport> tunnel(const connection_key& key);
    void note(const connection_key& key, const std::exception_ptr& failure);

    const time_limits limits_;
    const std::string unix_socket_;
    net::tls_context tls_;
    net::resolver names_;
    mutable std::mutex mutex_; // guards what follows
    std::unordered_map<connection_key, std::exception_ptr> failures_;
};

/// For `connection_pool`.
struct connection_manager {
    using key_type = connection_key;
    using connection_type = connection;

    [[nodiscard]] boost::asio::awaitable<connection> create(const connection_key& key) { return maker->make(key); }
    [[nodiscard]] bool usable(connection& which) noexcept { return which.unused().empty() && which.stream().quiet(); }
    [[nodiscard]] boost::asio::awaitable<void> close(connection& which);
    [[nodiscard]] std::string describe(const connection_key& key);

    std::shared_ptr<connection_maker> maker;
};

} // namespace weir::http
