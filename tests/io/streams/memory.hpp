#pragma once
// A reservation in a pool of its own, for sources that are read without a flow.

#include <weir/buffer_pool.hpp>

#include <cstddef>
#include <utility>

namespace test {

struct memory_of {
    static constexpr std::size_t block = 4096;

    explicit memory_of(std::size_t blocks) : pool({.tiers = {{block, 64}}, .max_bytes = 64 * block})
    {
        promised = std::move(*pool.try_reserve(blocks, block));
    }
    bool all_back() const { return promised.free_blocks() == promised.blocks() && pool.check(); }

    weir::buffer_pool pool;
    weir::reservation promised;
};

} // namespace test
