#pragma once
// Where streams are tested.

#include <weir/engine.hpp>

#include <boost/asio/io_context.hpp>

#include <cstddef>

namespace test {

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

/// An engine with its io_context, in the order of their lifetimes.
struct flow_bench {
    explicit flow_bench(std::size_t memory = 32 * mib, std::size_t workers = 2, std::size_t block = 64 * kib)
        : engine(context.get_executor(), options(memory, workers, block))
    {
    }
    static weir::engine_options options(std::size_t memory, std::size_t workers, std::size_t block)
    {
        weir::engine_options out;
        out.memory_bytes = memory;
        out.block_bytes = block;
        out.workers.threads = workers;
        return out;
    }
    /// All blocks are back where they came from.
    bool at_rest() { return engine.pool().check() && engine.pool().statistics().in_use_bytes == 0; }

    boost::asio::io_context context;
    weir::engine engine;
};

} // namespace test
