#pragma once
// The lines of a head, a trailer or a chunk, taken off bytes that come in pieces of any size.

#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

/// What a peer may send of one section of a message.
struct line_limits {
    std::size_t bytes = 0; ///< of all its lines with their ends
    std::size_t lines = 0; ///< and the empty one at its end

    friend bool operator==(const line_limits&, const line_limits&) = default;
};

/// Gives the lines of one section of a message, whole, however the bytes were cut, and holds them to limits.
///
/// A line ends with CR LF, and with nothing else: a lone LF, which RFC 9112 lets a recipient accept, is read in another
/// way by some other recipient. A line that comes whole is not copied.
/// \par Thread-safety
/// One object: one thread at a time.
class WEIR_API line_buffer {
public:
    /// \param section  what messages name: "response head"; must outlive the object
    /// \param origin   where the section begins, for messages
    line_buffer(std::string_view section, line_limits limits, std::uint64_t origin = 0) noexcept
        : section_(section), limits_(limits), origin_(origin)
    {}

    /// The next line without its end, which is taken off `bytes`. Valid until the next call, and as long as `bytes`.
    /// \returns  nothing if the line is not whole yet; all bytes were kept then
    /// \throws weir::error  `errc::protocol_violation`: a limit is passed, or a line ends without CR
    [[nodiscard]] std::optional<std::string_view> take(std::string_view& bytes);

    /// What has come of a line that is not whole.
    [[nodiscard]] std::string_view partial() const noexcept { return is_partial_ ? kept_ : std::string_view(); }
    /// How many bytes were taken since the section began.
    [[nodiscard]] std::size_t taken() const noexcept { return taken_; }
    /// Whether the last error was that a limit was passed.
    [[nodiscard]] bool is_over_limit() const noexcept { return is_over_limit_; }
    /// How many lines were given.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

    /// Begins the section, or one like it, again.
    void reset(std::uint64_t origin = 0) noexcept;

    /// Throws what is wrong with the line that was given last, or has not come whole.
    [[noreturn]] void refuse(std::string_view reason) const;
    /// Throws `errc::ended_early`: the connection ended within the section.
    [[noreturn]] void refuse_end() const;

private:
    void admit(std::size_t bytes);

    std::string_view section_;
    line_limits limits_;
    std::uint64_t origin_;
    std::string kept_; // the start of a line, or all of one that came in pieces
    std::size_t taken_ = 0;
    std::size_t line_start_ = 0;
    std::size_t count_ = 0;
    bool is_partial_ = false; // whether kept_ waits for its end
    bool is_over_limit_ = false;
};

} // namespace weir::http
