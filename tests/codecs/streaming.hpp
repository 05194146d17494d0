#pragma once
// An engine with a little memory, and what a source gives.

#include "coding.hpp"

#include "support/coroutine.hpp"
#include "support/run.hpp"
#include "support/sources.hpp"

#include <weir/coding_source.hpp>
#include <weir/engine.hpp>

#include <boost/asio/io_context.hpp>

#include <memory>

namespace test {

struct bench {
    explicit bench(std::size_t memory_bytes = std::size_t{16} << 20)
        : engine(context.get_executor(),
                 {.memory_bytes = memory_bytes, .block_bytes = 64 << 10, .workers = {.threads = 2}})
    {}

    boost::asio::io_context context;
    weir::engine engine;
};

/// Reads to the end, or until it is cancelled; what came is in `out` in any case.
inline boost::asio::awaitable<void> read_into(byte_vector& out, weir::source& from, weir::reservation& memory,
                                              std::size_t max_bytes)
{
    for (;;) {
        const weir::bytes next = co_await from.read(memory, max_bytes);
        if (next.empty())
            co_return;
        CHECK(next.size() <= max_bytes);
        const byte_vector copy = next.copy_out();
        out.insert(out.end(), copy.begin(), copy.end());
    }
}

/// All that a source gives; throws what it throws. Closes it.
inline byte_vector drain(bench& on, weir::source& from, std::size_t max_bytes = std::size_t{1} << 20)
{
    weir::reservation memory = on.engine.pool().try_reserve(1, on.engine.block_bytes()).value();
    byte_vector out;
    try {
        await(on.context, read_into(out, from, memory, max_bytes));
    }
    catch (...) {
        run(on.context, from.close());
        throw;
    }
    run(on.context, from.close());
    return out;
}

} // namespace test
