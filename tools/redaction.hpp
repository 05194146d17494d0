#pragma once
// What the command says, without the secrets of URLs in it: also where a user typed one in place of a file's name.

#include <string>
#include <string_view>

namespace tool {

/// Whether a name would be meant for a URL: http or https and a colon, or any scheme and `://`, behind blanks or quotes too.
/// No such name is `user@host:path`, nor a path with a URL further in it.
[[nodiscard]] bool may_be_url(std::string_view name) noexcept;

/// A name as people may see it: as `http::redacted` shows it if it may be a URL, else as it is.
[[nodiscard]] std::string redacted_name(std::string_view name);

/// A message with all that may be URLs in it as `http::redacted` shows them, if they hold an `@`, a query or a fragment.
///
/// Such a text begins with a scheme that no slash stands before, and goes on to what follows a subject in a message (`: `, ` (`,
/// ` at 7`, `; ` or `, `): blanks may be a part of it, as of a file's name.
[[nodiscard]] std::string redacted_message(std::string_view text);

} // namespace tool
