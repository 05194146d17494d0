#pragma once
// Reads the head of a message from bytes that come in pieces of any size. No I/O: the caller brings the bytes.

#include <weir/export.hpp>
#include <weir/http/line_buffer.hpp>
#include <weir/http/message.hpp>

#include <cstddef>
#include <span>

namespace weir::http {

/// What a head may have unless a reader is told otherwise.
inline constexpr line_limits head_limits{64 * 1024, 256};

/// Reads the head of an answer.
///
/// Whatever the pieces are, the outcome is the same. What cannot become an answer is refused at its first bytes, so
/// that a peer of another protocol is not waited for.
///
/// Lenient only where RFC 9112 asks a client to be: empty lines before the head are skipped, the blank before an absent
/// reason may be absent too, a folded value is joined by a blank.
/// \par Thread-safety
/// One object: one thread at a time.
/// \see RFC 9112, sections 2.2, 4 and 5
class WEIR_API response_reader {
public:
    explicit response_reader(line_limits limits = head_limits) noexcept : lines_("response head", limits) {}

    /// Takes bytes up to the end of the head.
    /// \returns  how many were taken; all of them unless the head is done
    /// \throws weir::error  `errc::protocol_violation`: no answer, or one that passes a limit; the message says what is
    ///   wrong, and where in the head. The reader is of no use then but for `reset`.
    [[nodiscard]] std::size_t feed(std::span<const std::byte> bytes);

    /// Whether any byte of the head has come.
    [[nodiscard]] bool started() const noexcept { return lines_.taken() > 0; }
    [[nodiscard]] bool done() const noexcept { return done_; }

    /// Says that no more bytes come before the head is done.
    /// \throws weir::error  `errc::ended_early`, always
    [[noreturn]] void end_of_stream() const;

    /// Gives the head, and begins the next one. \pre `done()`
    [[nodiscard]] response_head take();
    /// Drops what was read and begins anew.
    void reset() noexcept;

private:
    void read_line(std::string_view line);

    line_buffer lines_;
    response_head head_;
    bool has_status_line_ = false;
    bool done_ = false;
};

/// Reads the head of a request, strictly: a request that two servers in a row could understand in two ways is refused.
/// Among that are folded values, blanks before a colon, and in HTTP/1.1 no `Host`, two of them, or one that differs
/// from the host in the target. Empty lines before the head are skipped.
///
/// Where the body ends is for `framing_of_request` to decide, which refuses some heads too.
/// \par Thread-safety
/// One object: one thread at a time.
/// \see RFC 9112, sections 2.2, 3 and 5
class WEIR_API request_reader {
public:
    explicit request_reader(line_limits limits = head_limits) noexcept : lines_("request head", limits) {}

    /// As `response_reader::feed`; `status_of_refusal` says how to answer what is refused.
    [[nodiscard]] std::size_t feed(std::span<const std::byte> bytes);

    /// Whether a request has begun to come: empty lines before it do not count.
    [[nodiscard]] bool started() const noexcept;
    [[nodiscard]] bool done() const noexcept { return done_; }

    /// With which status a server answers the request that was refused: 400, 414 (the target is too long), 431 (the
    /// head is), 505 (another version).
    [[nodiscard]] unsigned status_of_refusal() const noexcept;

    /// As `response_reader::end_of_stream`.
    [[noreturn]] void end_of_stream() const;

    /// Gives the head, and begins the next one. \pre `done()`
    [[nodiscard]] received_request take();
    /// Drops what was read and begins anew.
    void reset() noexcept;

private:
    void read_line(std::string_view line);
    void read_request_line(std::string_view line);
    void check_target() const;
    void check_host() const;

    line_buffer lines_;
    received_request head_;
    bool has_request_line_ = false;
    bool is_other_version_ = false;
    bool done_ = false;
};

} // namespace weir::http
