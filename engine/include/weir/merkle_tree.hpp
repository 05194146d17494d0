#pragma once
// One digest for a list of chunks: the Merkle tree hash of RFC 6962.

#include <weir/digest.hpp>
#include <weir/export.hpp>
#include <weir/hasher.hpp>

#include <cstdint>
#include <vector>

namespace weir {

/// The root over the chunks of a file, in their order, whatever the time at which each becomes known.
///
/// A leaf's data is the chunk's digest followed by its length in eight bytes, little-endian. A leaf is
/// H(0x00, data), an inner node H(0x01, left, right), the empty tree H(); a left subtree is full.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time.
/// \see RFC 6962, section 2.1
class WEIR_API merkle_tree {
public:
    /// \param algorithm  hashes leaves and nodes
    /// \throws weir::error as the constructor of `hasher`
    explicit merkle_tree(hash_algorithm algorithm);

    /// Appends a chunk.
    /// \par Cost
    /// Two hashes of less than 80 bytes on average; keeps one digest for each bit of the number of chunks.
    void add(const digest& chunk, std::uint64_t length);

    /// The root over all chunks so far; more may follow.
    [[nodiscard]] digest root();

    /// How many chunks there are.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    /// Back to the empty tree.
    void clear() noexcept;

private:
    digest node(const digest& left, const digest& right);

    hasher hasher_;
    std::vector<digest> full_; // roots of full subtrees, the largest first: one for each bit that is set in size_
    std::uint64_t size_ = 0;
};

} // namespace weir
