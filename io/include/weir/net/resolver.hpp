#pragma once
// Host names as addresses, looked up by a few threads of their own and remembered for a short time.
//
// getaddrinfo() is the only way that honours all of a system's configuration, and it blocks for as long as it likes.
// So it has threads to block; whoever waits for it can leave at any time, and the thread goes on to its end for those
// who ask next.

#include <weir/export.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::net {

struct resolver_options {
    using duration = std::chrono::milliseconds;
    /// Gives the addresses of a name, the best first, or throws. Called on threads of the resolver, side by side.
    using lookup_function = std::function<std::vector<boost::asio::ip::address>(const std::string& host)>;

    std::size_t threads = 4;             ///< look-ups at a time; a thread that has nothing to do for a while ends
    std::size_t max_waiting = 1'000;     ///< names that wait for a thread; above that: `errc::queue_full`
    std::size_t cache_entries = 1'000;   ///< names that are remembered
    duration cache_time{30'000};         ///< for so long; 0: not at all
    lookup_function lookup = {};         ///< empty: `system_lookup`
};

/// What getaddrinfo() says, in its order.
/// \throws weir::error  `errc::resolve_failed`, or `errc::resolver_unavailable` where it may work later; with the reason
[[nodiscard]] WEIR_API std::vector<boost::asio::ip::address> system_lookup(const std::string& host);

struct resolver_statistics {
    std::uint64_t cached = 0;    ///< answers from memory
    std::uint64_t lookups = 0;   ///< calls of the look-up function that have begun
    std::uint64_t failures = 0;  ///< of them
    std::size_t running = 0;     ///< now
    std::size_t waiting = 0;     ///< names that wait for a thread
};

/// Looks names up, each once at a time however many ask for it.
///
/// The destructor waits for nothing: who waits gets `errc::closed`, and a thread that is in a look-up ends after it.
/// \par Thread-safety
/// All members from any thread, but the destructor.
class WEIR_API resolver {
public:
    using clock = std::chrono::steady_clock;

    /// \throws weir::error  `errc::bad_configuration`: the option is named
    explicit resolver(resolver_options options);
    resolver() : resolver(resolver_options()) {}
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;
    ~resolver();

    /// The addresses of a host, each with `port`, the best first; at least one.
    ///
    /// Numeric addresses, with or without brackets, and `localhost` with the names below it (RFC 6761: `::1`, then
    /// `127.0.0.1`) need no look-up.
    /// \throws weir::error, with the host
    ///   `errc::resolve_failed`: there is no such name, or it has no address; the reason is told. Not remembered.
    ///   `errc::resolver_unavailable`: the look-up failed, and may work later.
    ///   `errc::deadline_exceeded`
    ///   `errc::queue_full`: too many names wait already. Retryable.
    ///   `errc::closed`: the resolver ended.
    /// \par Cancellation
    /// terminal, partial, total: the caller leaves; the look-up ends on its own.
    /// \par Executor
    /// Resumes on the caller's. Does not suspend if the answer is known.
    [[nodiscard]] boost::asio::awaitable<std::vector<boost::asio::ip::tcp::endpoint>>
    resolve(std::string_view host, std::uint16_t port, clock::time_point deadline);

    /// Forgets what was looked up.
    void clear_cache();

    [[nodiscard]] resolver_statistics statistics() const;

private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace weir::net
