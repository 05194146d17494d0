#include <weir/merkle_tree.hpp>

namespace weir {
namespace {

constexpr std::byte leaf_prefix[] = {std::byte{0}};
constexpr std::byte node_prefix[] = {std::byte{1}};

} // namespace

merkle_tree::merkle_tree(hash_algorithm algorithm) : hasher_(algorithm) {}

void merkle_tree::add(const digest& chunk, std::uint64_t length)
{
    std::byte little_endian[8];
    for (std::byte& value : little_endian) {
        value = static_cast<std::byte>(length);
        length >>= 8;
    }
    hasher_.update(leaf_prefix);
    hasher_.update(chunk.span());
    hasher_.update(little_endian);
    digest subtree = hasher_.finish();
    // As in counting up: each set bit at the low end is a full subtree that the new one completes.
    for (std::uint64_t bits = size_; bits & 1; bits >>= 1) {
        subtree = node(full_.back(), subtree);
        full_.pop_back();
    }
    full_.push_back(subtree);
    ++size_;
}

digest merkle_tree::root()
{
    if (full_.empty())
        return hasher_.finish();
    digest right = full_.back();
    for (auto left = full_.rbegin() + 1; left != full_.rend(); ++left)
        right = node(*left, right);
    return right;
}

void merkle_tree::clear() noexcept
{
    full_.clear();
    size_ = 0;
}

digest merkle_tree::node(const digest& left, const digest& right)
{
    hasher_.update(node_prefix);
    hasher_.update(left.span());
    hasher_.update(right.span());
    return hasher_.finish();
}

} // namespace weir
