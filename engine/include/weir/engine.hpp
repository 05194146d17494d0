#pragma once
// What flows share: a pool of blocks, workers, and an observer, on the caller's executor.

#include <weir/buffer_pool.hpp>
#include <weir/export.hpp>
#include <weir/worker_pool.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>

namespace weir {

class observer;

struct engine_options {
    /// Pool limit in bytes; every block that flows hold counts. 0: 80 MiB with two workers, 32 MiB for each one
    /// more or less, at most an eighth of the memory of the machine or the cgroup, at least 16 MiB.
    std::size_t memory_bytes = 0;
    /// Size of a block; a power of two from 16 KiB to 16 MiB.
    std::size_t block_bytes = std::size_t{256} << 10;
    worker_options workers;
    /// Told what happens, where set; must outlive the engine.
    weir::observer* observer = nullptr;
};

/// The memory limit that `engine_options::memory_bytes == 0` stands for.
[[nodiscard]] WEIR_API std::size_t default_memory_bytes(std::size_t workers);

/// The pool that an engine with these options makes: one tier of blocks.
/// \throws weir::error  `errc::bad_configuration` for a block size that is not allowed, or a limit below one block
[[nodiscard]] WEIR_API std::shared_ptr<buffer_pool> make_engine_pool(const engine_options& options);

/// \par Thread-safety
/// All members from any thread, but the destructor.
class WEIR_API engine {
public:
    /// Makes a pool and workers of its own.
    /// \param executor  where the awaitables of flows complete, and where rings and sockets live: the caller's
    ///                  `io_context`, run by one thread or several
    /// \throws weir::error  `errc::bad_configuration`; system category when threads cannot be made
    explicit engine(boost::asio::any_io_executor executor, const engine_options& options = {});

    /// Shares pool and workers with other engines: a service with one io_context per thread has one of each.
    engine(boost::asio::any_io_executor executor, std::shared_ptr<buffer_pool> pool,
           std::shared_ptr<worker_pool> workers, std::size_t block_bytes, weir::observer* observer = nullptr);

    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    /// Ends the workers if no other engine has them (see `~worker_pool`); never waits for a read or a peer. Flows
    /// that are still suspended are destroyed with the workers; slices that were handed out stay valid.
    ~engine();

    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    [[nodiscard]] buffer_pool& pool() const noexcept { return *pool_; }
    [[nodiscard]] worker_pool& workers() const noexcept { return *workers_; }
    [[nodiscard]] std::size_t block_bytes() const noexcept { return block_bytes_; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return memory_bytes_; }
    /// Null where nobody looks.
    [[nodiscard]] weir::observer* observer() const noexcept { return observer_; }

private:
    boost::asio::any_io_executor executor_;
    std::shared_ptr<buffer_pool> pool_;
    std::shared_ptr<worker_pool> workers_;
    std::size_t block_bytes_;
    std::size_t memory_bytes_;
    weir::observer* observer_;
};

} // namespace weir
