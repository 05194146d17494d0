#pragma once
// One connected socket, by calls that block until the peer acts, the time has come, or the origin is stopped.

#include "latch.hpp"
#include "script_data.hpp"
#include "tls.hpp"

#include <weir/testing/origin.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

namespace weir::testing::detail {

using clock = std::chrono::steady_clock;

/// Thrown to leave the loop of a connection, whatever it is in the middle of.
struct connection_over {
    connection_end how;
    bool politely = false; // `say_goodbye` follows
};

class wire {
public:
    /// \param socket  connected; is closed with this object
    /// \param stop    ends every wait
    /// \param sent    told how many bytes were taken, as they were before any encryption
    /// \param secured_by  null: no TLS
    wire(int socket, const latch& stop, std::function<void(std::size_t)> sent,
         const tls_identity* secured_by = nullptr);
    wire(const wire&) = delete;
    wire& operator=(const wire&) = delete;
    ~wire();

    [[nodiscard]] int descriptor() const noexcept { return socket_; }
    /// Null if the connection is in clear.
    [[nodiscard]] const tls_session* tls() const noexcept { return tls_ ? &*tls_ : nullptr; }
    /// Whether an end was sent: what is written then goes nowhere.
    [[nodiscard]] bool is_half_closed() const noexcept { return half_closed_; }

    /// Waits for bytes.
    /// \returns  how many there are; 0 if the peer has sent its end
    /// \throws connection_over
    [[nodiscard]] std::size_t read(std::span<char> into);

    /// Returns when the socket has taken all of it.
    /// \throws connection_over
    void write(std::string_view bytes);

    /// Waits for the time. \throws connection_over  the origin is stopped
    void wait_until(clock::time_point time);

    /// Waits for the time and for the latch, whichever is given and comes first; for ever if none is.
    /// \throws connection_over  the peer has sent its end, or aborted, meanwhile
    void stall(std::optional<clock::time_point> until, const latch* gate);

    /// Sends an end; of TLS too.
    void half_close() noexcept;
    /// The same, and throws connection_over.
    [[noreturn]] void close();
    /// Sends an end of the connection and none of TLS, and throws connection_over.
    [[noreturn]] void cut_off();
    /// Behind an end: drops what still comes until the peer ends too, or for two seconds. A socket that is closed with
    /// bytes unread would take back, by RST, what it has sent.
    void say_goodbye();
    /// Lets the peer take what was sent, for a second, and throws connection_over: the socket then closes by RST.
    [[noreturn]] void reset();

private:
    [[nodiscard]] transfer try_read(std::span<char> into) noexcept;
    [[nodiscard]] transfer try_write(std::string_view bytes) noexcept;
    void await(transfer::outcome what);
    [[nodiscard]] std::size_t unacknowledged() const noexcept;

    int socket_;
    const latch* stop_;
    std::function<void(std::size_t)> sent_;
    std::optional<tls_session> tls_;
    bool half_closed_ = false;
};

} // namespace weir::testing::detail
