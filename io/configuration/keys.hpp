#pragma once
// The keys of the configuration file as a table: what reading, checking and writing have in common.

#include <weir/configuration.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace weir::detail {

/// What depends on the algorithm.
inline constexpr std::string_view averages_allowed = "256 B to 4 MiB, for fixed 64 B to 16 MiB";

/// A number, or a size in bytes.
struct number_key {
    std::uint64_t (*get)(const configuration&);
    void (*set)(configuration&, std::uint64_t);
    std::uint64_t least, most;
    bool is_size;
    std::string_view zero = {};  ///< what 0 means, if it is allowed below `least`
    std::string_view range = {}; ///< in words, where it depends on another key; empty: `least` to `most`
};

struct flag_key {
    bool (*get)(const configuration&);
    void (*set)(configuration&, bool);
};

/// One of a few words.
struct choice_key {
    std::span<const std::string_view> words;
    std::size_t (*get)(const configuration&); ///< the index of the word
    void (*set)(configuration&, std::size_t index);
};

struct configuration_key {
    std::string_view full_name; ///< `chunking.minimum`
    std::string_view meaning;
    std::variant<number_key, flag_key, choice_key> value;

    [[nodiscard]] constexpr std::string_view section() const { return full_name.substr(0, full_name.find('.')); }
    [[nodiscard]] constexpr std::string_view name() const { return full_name.substr(full_name.find('.') + 1); }
};

/// Every key; those of a section stand together.
[[nodiscard]] std::span<const configuration_key> configuration_keys() noexcept;

[[nodiscard]] bool is_allowed(const number_key& key, std::uint64_t value) noexcept;

/// The values a key takes, for messages and comments: `64 B to 16 MiB`, `true or false`.
[[nodiscard]] std::string allowed_values(const configuration_key& key);

/// The key's value in `values` as it stands in a file: `"256 KiB"`, `64`, `true`.
[[nodiscard]] std::string written_value(const configuration_key& key, const configuration& values);

/// Two keys whose values do not go together.
struct contradiction {
    std::string_view key;   ///< with its section: `chunking.minimum`
    std::string_view other; ///< the key that limits it, likewise; may be empty
    std::string why;
};

[[nodiscard]] std::optional<contradiction> find_contradiction(const configuration& values);

} // namespace weir::detail
