#pragma once
// An io_context with a thread, and an engine on it.

#include <weir/engine.hpp>
#include <weir/reading.hpp>
#include <weir/reservation.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <cstddef>
#include <optional>
#include <thread>

namespace test {

struct machine {
    boost::asio::io_context context;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
    std::thread loop{[this] { context.run(); }};
    std::optional<weir::engine> engine;

    explicit machine(std::size_t block_bytes = std::size_t{64} << 10)
    {
        weir::engine_options options;
        options.memory_bytes = std::size_t{16} << 20;
        options.block_bytes = block_bytes;
        options.workers.threads = 2;
        engine.emplace(context.get_executor(), options);
    }
    ~machine()
    {
        engine.reset();
        work.reset();
        context.stop();
        loop.join();
    }

    weir::reservation reserve(std::size_t blocks)
    {
        return engine->pool().try_reserve(blocks, engine->block_bytes()).value();
    }
    auto strand() { return boost::asio::make_strand(engine->workers().executor()); }
    weir::reader_statistics statistics() { return weir::file_statistics(context.get_executor()); }
};

} // namespace test
