#pragma once
// One connected socket, by calls that block until the peer acts, the time has come, or the origin is stopped.

#include "latch.hpp"
#include "script_data.hpp"

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
    /// \param sent    told how many bytes the socket took
    wire(int socket, const latch& stop, std::function<void(std::size_t)> sent);
    wire(const wire&) = delete;
    wire& operator=(const wire&) = delete;
    ~wire();

    [[nodiscard]] int descriptor() const noexcept { return socket_; }
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

    void half_close() noexcept;
    /// Sends an end, and throws connection_over.
    [[noreturn]] void close();
    /// Behind an end: drops what still comes until the peer ends too, or for two seconds. A socket that is closed with
    /// bytes unread would take back, by RST, what it has sent.
    void say_goodbye();
    /// Lets the peer take what was sent, for a second, and throws connection_over: the socket then closes by RST.
    [[noreturn]] void reset();

private:
    [[nodiscard]] std::size_t unacknowledged() const noexcept;

    int socket_;
    const latch* stop_;
    std::function<void(std::size_t)> sent_;
    bool half_closed_ = false;
};

} // namespace weir::testing::detail
