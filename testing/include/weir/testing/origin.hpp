#pragma once
// A server that misbehaves as a script says, for tests of whatever speaks HTTP. It shares no code with the client and
// the server of this library: a fault of theirs cannot hide here.

#include <weir/testing/generated.hpp>
#include <weir/testing/script.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::testing {

/// A request as it came.
struct received_request {
    std::uint64_t connection = 0; ///< the number of its connection, from 1 on
    std::uint64_t number = 0;     ///< its number on that connection, from 1 on
    std::string method;
    std::string target;
    std::string version; ///< `HTTP/1.1`
    std::string head;    ///< the bytes from the request line to the empty line, both included
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;                ///< without framing; as much of it as `origin_options` say
    std::uint64_t body_bytes = 0;    ///< all of it that has come
    bool complete = false;           ///< the body has come whole
    bool over = false;               ///< its rule has ended, or its connection before that
    bool answered = false;           ///< all steps of its rule were taken
    std::uint64_t answer_bytes = 0;  ///< that its rule has sent
    std::optional<std::size_t> rule; ///< which one of the script, from 0 on
    std::uint64_t rule_line = 0;     ///< where it stands in the text of a script; 0: nowhere

    /// The value of the first field of this name, in any case.
    [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept;
};

enum class connection_end : std::uint8_t {
    open,          ///< it has not ended
    by_peer,       ///< the peer closed it
    reset_by_peer, ///< the peer aborted it, or its TLS
    by_script,     ///< a step closed or reset it, or an answer asked for that
    by_origin,     ///< the peer sent what is no HTTP, or the origin was destroyed
};

struct accepted_connection {
    std::uint64_t number = 0; ///< from 1 on
    std::uint64_t requests = 0;
    std::uint64_t bytes_sent = 0;
    connection_end end = connection_end::open;
    std::string server_name;  ///< that its peer asked for in TLS, known with the first request
    bool tls_resumed = false; ///< by a session that was made before; known with the first request
};

/// What an origin has seen since it was made. Of more requests and connections than `origin_options` say, the last
/// ones, and those that are not over.
struct origin_record {
    std::vector<accepted_connection> connections;
    std::vector<received_request> requests; ///< in the order in which their heads came
    std::vector<std::string> holding;       ///< the name of each `hold` at which a connection waits now

    [[nodiscard]] std::uint64_t bytes_sent() const noexcept;
    [[nodiscard]] std::size_t open_connections() const noexcept;
    [[nodiscard]] bool is_holding(std::string_view name) const noexcept;
    /// How many requests had this target.
    [[nodiscard]] std::size_t requests_for(std::string_view target) const noexcept;
};

struct origin_options {
    std::size_t kept_requests = 100'000;            ///< at least so many are in the record, and so many connections
    std::size_t kept_body_bytes = 16 * 1024 * 1024; ///< of the body of each request
    /// Told of each request when its rule has ended, or its connection before that; on the thread of the connection.
    std::function<void(const received_request&)> on_finished;
};

/// Plays a script on a listening socket of its own, from its making to its destruction.
///
/// Each connection has a thread that does nothing but blocking calls: the most simple program that can send any bytes
/// at any time. There can be 1,000 connections at once; more wait until one ends.
/// \par Thread-safety
/// All functions, from any thread.
class origin {
public:
    /// Listens when it returns.
    /// \throws weir::error
    ///   system category: the address cannot be listened on. `errc::bad_configuration`: it is none.
    ///   `errc::tls_failed`: certificate or key cannot be used.
    explicit origin(script played = {}, origin_options options = {});
    origin(const origin&) = delete;
    origin& operator=(const origin&) = delete;
    /// Ends all connections and waits for their threads, which takes no time that a peer could prolong.
    ~origin();

    /// The address that clients connect to, as `127.0.0.1`; the path of a Unix socket.
    [[nodiscard]] const std::string& host() const noexcept;
    /// 0 for a Unix socket.
    [[nodiscard]] std::uint16_t port() const noexcept;
    /// `127.0.0.1:8080`; `localhost` for a Unix socket.
    [[nodiscard]] std::string authority() const;
    /// `http://127.0.0.1:8080/a` for `/a`; `https:` with TLS.
    [[nodiscard]] std::string url(std::string_view target = "/") const;

    /// Plays another script from the next connection and request on, and counts anew for its rules. Its `listen`
    /// and `tls` have no effect. What is being answered ends by the old one.
    void play(script next);

    /// Lets all pass who wait at this `hold`, now and later.
    void release(std::string_view hold);

    [[nodiscard]] origin_record record() const;
    /// `record().requests`
    [[nodiscard]] std::vector<received_request> requests() const { return record().requests; }

    /// Waits until `condition` holds for the record.
    /// \param condition  called under a lock, at each change: it calls nothing of this object
    /// \returns  whether it came to hold within `patience`
    bool wait_until(const std::function<bool(const origin_record&)>& condition,
                    std::chrono::milliseconds patience = std::chrono::seconds(10)) const;

private:
    class server;
    std::unique_ptr<server> server_;
};

} // namespace weir::testing
