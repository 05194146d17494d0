#pragma once
// Levels as gzip, xz and zstd write them: a number that is an option.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

/// The command line with every such level under its long name: `-19` is `--level=19`, `-k9` is `-k --level=9`.
/// \param with_value  the letters of the options whose value may be a number: what follows them is left as it is
/// \param takes_next  whether an argument is a long option whose value is the next one, which is left as it is too
/// \param keep        else levels are left out
[[nodiscard]] std::vector<std::string> with_levels_named(int argc, char** argv, std::string_view with_value,
                                                         const std::function<bool(std::string_view)>& takes_next,
                                                         bool keep = true);

} // namespace tool
