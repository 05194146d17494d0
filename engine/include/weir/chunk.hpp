#pragma once
// One chunk of a stream: where it was, what it contains, and the digest of that.

#include <weir/bytes.hpp>
#include <weir/digest.hpp>

#include <cstddef>
#include <cstdint>

namespace weir {

/// \par Ownership
/// `content` pins the pool's blocks that it lies in. A consumer that keeps many chunks starves its own stream:
/// keep `content.copy_out()` instead.
struct chunk {
    std::uint64_t offset = 0; ///< from the start of the stream, in bytes
    weir::digest digest;      ///< of `content`, by the stream's hash
    bytes content;

    [[nodiscard]] std::size_t size() const noexcept { return content.size(); }
};

} // namespace weir
