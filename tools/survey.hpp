#pragma once
// How much there is to read, found beside the reading: so that a progress bar knows its end.

#include <weir/tree_walker.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tool {

/// Adds up the sizes of all files below some paths, on a thread of its own that its destructor stops.
class survey {
public:
    survey(std::vector<std::string> paths, weir::tree_options options);

    /// All bytes, once they are counted; nothing before, and where a path has no size (standard input, a device).
    [[nodiscard]] std::optional<std::uint64_t> total_bytes() const;

private:
    void run(const std::stop_token& stop, std::vector<std::string> paths, weir::tree_options options);

    std::uint64_t bytes_ = 0; // read by others only when counted_ is true
    std::atomic<bool> counted_ = false;
    std::jthread thread_;
};

} // namespace tool
