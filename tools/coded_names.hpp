#pragma once
// How the names of files say by which codec they are compressed.

#include <weir/codec.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tool {

/// The codec that the end of a name stands for, `.tgz` and its like included.
[[nodiscard]] std::optional<weir::codec> codec_of_name(std::string_view path) noexcept;

/// The name without the end that stands for a codec: `a` of `a.zst`, `a.tar` of `a.tgz`. Nothing where no such end is
/// there, or nothing but that.
[[nodiscard]] std::optional<std::string> plain_name(std::string_view path);

} // namespace tool
