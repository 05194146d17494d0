#pragma once
// What a connection receives: heads, taken apart as far as a script needs it, and bodies without their framing.
// Lenient: judging requests is not what an origin of tests is for.

#include "wire.hpp"

#include <weir/testing/origin.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::testing::detail {

/// Whether two names are the same but for case; ASCII.
[[nodiscard]] bool same_text(std::string_view a, std::string_view b) noexcept;

/// Whether one of the comma-separated elements of the request's fields of this name is `token`.
[[nodiscard]] bool has_token(const received_request& request, std::string_view name, std::string_view token) noexcept;

class incoming {
public:
    explicit incoming(wire& peer) : peer_(peer) {}

    /// Waits for a head.
    /// \returns  nothing if the peer has ended instead
    /// \throws connection_over, `by_origin`  it is no HTTP, or its head is above 1 MiB
    [[nodiscard]] std::optional<received_request> next_head();

    /// Bytes of the body of the request whose head was last, at most so many; valid until the next call.
    /// \returns  empty at the end of the body
    /// \throws connection_over  the peer ended before that, or its framing is wrong
    [[nodiscard]] std::string_view read_body(std::uint64_t at_most);

    /// What has come and was not asked for, for a tunnel.
    [[nodiscard]] std::string take_rest();

private:
    enum class framing { none, length, chunks };

    [[nodiscard]] bool fill();
    void need_bytes();
    void drop_taken();
    [[nodiscard]] std::string read_line();
    void begin_body(const received_request& request);
    void begin_chunk();

    wire& peer_;
    std::string buffer_;
    std::size_t taken_ = 0; // of the buffer, handed out by read_body
    framing framing_ = framing::none;
    std::uint64_t left_ = 0; // of the body, or of its chunk
    bool first_chunk_ = true;
};

} // namespace weir::testing::detail
