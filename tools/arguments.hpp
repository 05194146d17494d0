#pragma once
// What a command works on: arguments, and the paths that --files-from names.

#include <weir/file_handle.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace tool {

/// The paths of a --files-from file, read as they are asked for: one a line, or one before each NUL.
/// Empty ones are left out.
class path_list {
public:
    static constexpr std::size_t longest_path = std::size_t{64} << 10; ///< far beyond what systems open

    /// \param path     `-` for standard input
    /// \param longest  in bytes; what has no end would fill the memory otherwise
    path_list(std::string path, char separator, std::size_t longest = longest_path);

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// The next path; nothing at the end. Blocks while a pipe has none.
    /// \throws weir::error
    ///   system category: what opening or reading reported
    ///   `errc::bad_format`: the next one is too long. No later call gives it, or what follows.
    [[nodiscard]] std::optional<std::string> next();
    /// Whether the next one has been read from the file: `next` gives it at once.
    [[nodiscard]] bool has_next_at_hand() const noexcept;
    /// Where the last one stands; from 1, empty ones counted.
    [[nodiscard]] std::uint64_t line() const noexcept { return line_; }

private:
    void fill();
    [[noreturn]] void refuse_length() const;

    std::string path_;
    char separator_;
    std::size_t longest_;
    std::uint64_t line_ = 0;
    weir::file_handle file_; // opened by the first `next`
    bool ended_ = false;
    std::string buffer_;
    std::size_t position_ = 0;
};

/// Arguments, then those of lists.
///
/// Standard input goes to one reader: a `-` after the first is refused, and one in a list that is itself `-`.
/// \par Thread-safety
/// One call at a time, from any thread.
class argument_supply {
public:
    using refusal = std::function<void(std::string path, std::error_code code, std::string text)>;

    /// \param refused  told of lists that cannot be read, of a `-` too many, and of empty arguments
    argument_supply(std::vector<std::string> arguments, std::vector<path_list> lists, refusal refused);

    /// As `weir::path_supplier` says.
    void next(std::vector<std::string>& out, std::size_t most);

private:
    [[nodiscard]] bool is_refused(const std::string& path);
    [[nodiscard]] std::optional<std::string> next_unchecked();
    [[nodiscard]] bool has_next_at_hand() const noexcept;

    std::vector<std::string> arguments_;
    std::size_t next_argument_ = 0;
    std::vector<path_list> lists_;
    std::size_t next_list_ = 0;
    bool input_taken_ = false; // standard input has its reader
    refusal refused_;
};

} // namespace tool
