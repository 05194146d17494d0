#pragma once
// How files are read.

#include <weir/export.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

enum class backend : std::uint8_t {
    auto_,   ///< io_uring where it can be used, else threads; falls back by itself
    uring,   ///< io_uring, or an error
    threads, ///< plain reads: cached data by the worker that cuts it, misses by threads of their own
    mmap,    ///< maps, after `install_mapping_guard()`; a file that is truncated meanwhile is `errc::mapping_broken`
};

/// `auto`, `uring`, `threads`, `mmap`: what configuration files, options and reports call a back end.
[[nodiscard]] WEIR_API std::string_view to_string(backend which) noexcept;
/// The back end called `name`; nothing if there is none.
[[nodiscard]] WEIR_API std::optional<backend> parse_backend(std::string_view name) noexcept;

} // namespace weir
