#pragma once
// TOML 1.0, as far as a configuration goes: tables, and texts, whole numbers and truth values in them. Values that no
// key of ours can have (fractions, dates, arrays) are told apart and not kept. It is safe on any input: what is no
// TOML is an error with a line. (toml++ 3.3 of Debian 12 runs into undefined behaviour on malformed files.)

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weir::detail {

struct toml_table {}; ///< a header, or an inline table: its entries follow
struct toml_other {}; ///< a value that is not kept: fraction, date, array, array of tables, number above 63 bits

struct toml_entry {
    std::vector<std::string> path; ///< from the root: {"chunking", "average"}
    std::uint64_t line = 0;        ///< of the key, from 1
    std::variant<toml_table, toml_other, std::string, std::int64_t, bool> value;
};

class toml_error : public std::runtime_error {
public:
    toml_error(std::uint64_t line, const std::string& why) : std::runtime_error(why), line_(line) {}
    [[nodiscard]] std::uint64_t line() const noexcept { return line_; }

private:
    std::uint64_t line_;
};

/// The entries of a document, in order. No path comes twice, but that of an array of tables.
/// \throws toml_error  it is no TOML, or nested more than 32 deep
/// \see TOML 1.0.0, https://toml.io/en/v1.0.0
[[nodiscard]] std::vector<toml_entry> parse_toml(std::string_view text);

} // namespace weir::detail
