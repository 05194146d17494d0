#pragma once
// How the names of files say by which codec they are compressed.

#include <weir/codec.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

/// The codec that the end of a name stands for, `.tgz` and its like included, in capitals or not.
[[nodiscard]] std::optional<weir::codec> codec_of_name(std::string_view path) noexcept;

/// The name without the end that stands for a codec: `a` of `a.zst`, `a.tar` of `a.tgz`. Nothing where no such end is
/// there, or nothing but that.
[[nodiscard]] std::optional<std::string> plain_name(std::string_view path);

/// Whether a name is that of an archive: `a.zip`, `a.tar`, `a.tar.zst`, `a.tgz`, in capitals or not; also of those that
/// cannot be read, `a.tar.bz2`.
/// \param compressions  how many may be around it
[[nodiscard]] bool names_archive(std::string_view path, std::uint64_t compressions);

} // namespace tool
