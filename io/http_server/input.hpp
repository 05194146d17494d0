#pragma once
// What a server reads from a connection: into a small buffer where heads and framing are looked for, or straight to
// where data shall lie.

#include <weir/net/transport.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

namespace weir::http::detail {

class server_input {
public:
    using clock = std::chrono::steady_clock;

    explicit server_input(net::transport& from);

    /// What was read into the small buffer and not taken.
    [[nodiscard]] std::span<const std::byte> rest() const noexcept;
    /// \pre there is as much
    void take(std::size_t bytes) noexcept { begin_ += bytes; }

    /// Reads more. \returns  false at the end of the stream \pre `rest()` is empty
    [[nodiscard]] boost::asio::awaitable<bool> fill(clock::time_point limit);

    /// Reads into `into`, and what comes behind it into the small buffer if `and_more` is set.
    /// \returns  how many bytes are in `into`; 0 at the end of the stream \pre `rest()` is empty
    [[nodiscard]] boost::asio::awaitable<std::size_t> read(std::span<std::byte> into, bool and_more,
                                                           clock::time_point limit);

private:
    [[nodiscard]] boost::asio::awaitable<std::size_t> read_some(std::span<std::byte> first, std::span<std::byte> second,
                                                                clock::time_point limit);

    net::transport& from_;
    std::vector<std::byte> buffer_;
    std::size_t begin_ = 0; // of what was not taken
    std::size_t end_ = 0;
};

} // namespace weir::http::detail
