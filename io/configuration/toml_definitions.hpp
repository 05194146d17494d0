#pragma once
// Which paths of a TOML document are taken, and by what: nothing may be defined twice.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace weir::detail {

using key_path = std::vector<std::string>;

/// All `add_` members say whether the path could be defined.
class toml_definitions {
public:
    /// `[path]`
    [[nodiscard]] bool add_header(const key_path& path);
    /// `[[path]]`: another table, in which nothing is defined yet.
    [[nodiscard]] bool add_array(const key_path& path);
    /// `path = ...` in a table whose own path has `base` parts.
    [[nodiscard]] bool add_value(const key_path& path, std::size_t base);

    /// While an inline table is read its entries are added; nothing is afterwards.
    void open(const key_path& path) { known_[path] = kind::dotted; }
    void close(const key_path& path) { known_[path] = kind::value; }

private:
    enum class kind : std::uint8_t {
        implied, ///< a table because a header names one below it
        header,
        array,  ///< of tables
        dotted, ///< a table because a key names a value in it
        value,
    };

    /// Those of `first` parts and more, as tables.
    [[nodiscard]] bool add_parents(const key_path& path, std::size_t first, kind how);

    std::map<key_path, kind> known_;
};

} // namespace weir::detail
