#pragma once
// Which names tell that what they stand for is a secret: of fields and of query parameters alike.

#include <string_view>

namespace weir::http {

/// Whether a value of this name is a secret, as far as the name tells: by a part of it that is rare elsewhere (`token`), by a
/// whole word (`key`), or by two that are written as one (`apikey`). Words end where letters do, and in camel case.
[[nodiscard]] bool names_secret(std::string_view name) noexcept;

} // namespace weir::http
