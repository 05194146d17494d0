#pragma once
// Finds the bytes of a body among those of its framing. No I/O: the caller brings the bytes, and large ones may go from
// the connection straight to where they shall lie.

#include <weir/export.hpp>
#include <weir/http/framing.hpp>
#include <weir/http/line_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>

namespace weir::http {

/// What a chunked body may have besides its data.
struct body_limits {
    /// Of the extensions of one chunk. Those of all chunks together may have 16 KiB more than there is data.
    std::size_t extension_bytes = 1024;
    line_limits trailer{16 * 1024, 64};

    friend bool operator==(const body_limits&, const body_limits&) = default;
};

/// Says which of the bytes that follow a head are data, up to the end of the body.
///
/// While `data()` is above 0 that many bytes of data come next: they may be read from the connection to wherever they
/// shall lie, and are then counted by `received`. While it is 0 and the body is not done, framing comes next: bytes
/// are read into a small buffer and given to `feed`, which stops where data begins. So bytes are never moved because of
/// the framing. Where chunks are small, `decode` on whole blocks costs fewer calls of the system.
///
/// ```cpp
/// while (!body.done())
///     if (body.data() > 0)
///         body.received(read(at_most(body.data())));
///     else
///         small.consume(body.feed(small.bytes())); // after reading into `small`, if it was empty
/// ```
/// Whatever the pieces are, the outcome is the same.
/// \par Thread-safety
/// One object: one thread at a time.
/// \see RFC 9112, sections 6 and 7.1
class WEIR_API body_reader {
public:
    explicit body_reader(const framing& how, const body_limits& limits = {}) noexcept;

    /// Whether the body is over. A body that ends by the end of the connection is only over after `end_of_stream`.
    [[nodiscard]] bool done() const noexcept { return state_ == state::done; }

    /// How many bytes of data come next, at least; 0 if framing does, or nothing. The largest number there is where
    /// the connection's end says it.
    [[nodiscard]] std::uint64_t data() const noexcept { return left_; }

    /// Says that so many bytes of data came. \pre `bytes <= data()`
    void received(std::uint64_t bytes) noexcept;

    /// Takes framing up to the next byte of data, or to the end of the body.
    /// \returns  how many bytes were taken: all, unless data comes next or the body is over
    /// \throws weir::error  `errc::protocol_violation`: no chunk, or a limit is passed; the message says how many bytes
    ///   of the body came before it. The reader is of no use then.
    [[nodiscard]] std::size_t feed(std::span<const std::byte> bytes);

    struct decoded {
        std::size_t consumed = 0; ///< bytes of `from`
        std::size_t produced = 0; ///< bytes of `to`

        friend bool operator==(const decoded&, const decoded&) = default;
    };

    /// Moves data from `from` to `to`, and takes the framing between, until one of them is used up or the body is over.
    /// \param to  may lie over `from` if it does not begin after it: so a block is decoded in place
    /// \throws weir::error  as `feed`, by the call that would start with what is wrong: data before it is given first
    [[nodiscard]] decoded decode(std::span<const std::byte> from, std::span<std::byte> to);

    /// Says that the connection has ended: a body that ends by that is done.
    /// \throws weir::error  `errc::ended_early`: the body has not come whole; with the number of bytes that came
    void end_of_stream();

    /// How many bytes of data have come.
    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

    /// The field lines after the last chunk. They are no part of the head: a recipient picks those that it knows.
    [[nodiscard]] const fields& trailer() const noexcept { return trailer_; }

private:
    enum class state : std::uint8_t { data, chunk_end, chunk_start, trailer, done };

    std::size_t feed_before_data(std::span<const std::byte> bytes, bool has_data);
    void read_framing(std::string_view& bytes);
    void read_chunk_end(std::string_view& bytes);
    void read_chunk_start(std::string_view line);
    void check_unfinished_start() const;
    void check_extensions(std::string_view text);
    [[noreturn]] void refuse(std::string_view reason) const;

    framing how_;
    body_limits limits_;
    state state_ = state::data;
    std::uint8_t end_matched_ = 0; // of the CR LF after a chunk
    std::uint64_t left_ = 0;       // of the chunk, or of the body
    std::uint64_t total_ = 0;
    std::uint64_t extension_bytes_ = 0;
    line_buffer lines_;
    fields trailer_;
    std::exception_ptr failure_; // found behind data that had to be given first
};

} // namespace weir::http
