#pragma once
// What a check says of a file.

#include <string>

namespace tool {

/// What came of one file.
struct verdict {
    std::string path;
    std::string failure; ///< why it failed; empty: it is as listed
};

} // namespace tool
