#pragma once
// A part of a file that several sources share.

#include <weir/file_handle.hpp>

#include <cstdint>
#include <memory>

namespace weir::detail {

/// What was known of the file when it was opened, by whoever registered it.
struct file_part {
    std::shared_ptr<const file_handle> file;
    std::uint64_t start = 0;
    std::uint64_t end = 0;  ///< within the file's size
    bool has_holes = false; ///< somewhere in the file
};

} // namespace weir::detail
