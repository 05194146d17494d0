#pragma once
// What flows share: a pool of blocks, workers, a registry and an observer, on the caller's executor.

#include <weir/buffer_pool.hpp>
#include <weir/export.hpp>
#include <weir/registry.hpp>
#include <weir/statistics.hpp>
#include <weir/worker_pool.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <type_traits>

namespace weir {

class observer;

struct engine_options {
    /// Pool limit in bytes; every block that flows hold counts. 0: 80 MiB with two workers, 32 MiB for each one
    /// more or less, at most an eighth of the memory of the machine or the cgroup, at least 16 MiB.
    std::size_t memory_bytes = 0;
    /// Size of a block; a power of two from 16 KiB to 16 MiB.
    std::size_t block_bytes = std::size_t{256} << 10;
    worker_options workers = {};
    /// Told what happens, where set; must outlive the engine and its streams.
    weir::observer* observer = nullptr;
    /// Where flows, jobs, files, maps and reservations are registered; must outlive the engine, and may serve several.
    /// Null: a registry of its own, whose clean-ups the observer is told of.
    registry* resources = nullptr;
    /// A flow that has not moved for so long is stalled: the observer is told once, with the stage that it waits for.
    /// Not more than 0: never.
    std::chrono::milliseconds stall_after{1000};
};

// gcc 12 destroys other aggregates twice that are made in a call which is awaited.
static_assert(std::is_trivially_destructible_v<engine_options>);

namespace detail {
class context_watch;
class intake;
class pool_trimmer;
class flow_ledger;
}

/// The memory limit that `engine_options::memory_bytes == 0` stands for.
[[nodiscard]] WEIR_API std::size_t default_memory_bytes(std::size_t workers);

/// The pool that an engine with these options makes: one tier of blocks.
/// \throws weir::error  `errc::bad_configuration` for a block size that is not allowed, or a limit below one block
[[nodiscard]] WEIR_API std::shared_ptr<buffer_pool> make_engine_pool(const engine_options& options);

/// What flows need besides a source: a program has one for each `io_context`, and any number of flows upon it.
///
/// \par Thread-safety
/// All members from any thread, but the destructor.
class WEIR_API engine {
public:
    /// Makes a pool and workers of its own.
    /// \param executor  where the awaitables of flows complete, and where rings and sockets live: the caller's
    ///                  `io_context`, run by one thread or several
    /// \throws weir::error  `errc::bad_configuration`; system category when threads, or what the context needs for
    ///                      sockets, cannot be made
    explicit engine(boost::asio::any_io_executor executor, const engine_options& options = {});

    /// Shares pool and workers with other engines: a service with one io_context per thread has one of each.
    /// \param options  of these `memory_bytes` and `workers` do not count. `block_bytes` does: flows live on the pool's
    ///                 blocks of just this size
    /// \throws weir::error  `errc::bad_configuration`: the pool has no such blocks, or it, or `workers`, is null; else as
    ///                      above
    engine(boost::asio::any_io_executor executor, std::shared_ptr<buffer_pool> pool,
           std::shared_ptr<worker_pool> workers, const engine_options& options = {});

    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    /// Ends the workers if no other engine has them (see `~worker_pool`); never waits for a read or a peer. Flows
    /// that are still suspended are destroyed with the workers; slices that were handed out stay valid.
    ///
    /// The engine ends before its `io_context`, or lies in one of that one's coroutines: its workers then end as soon as
    /// the context begins to, if no other engine has them; shared ones have to be gone, or idle, by then. Not on two
    /// threads at once.
    ~engine();

    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    [[nodiscard]] buffer_pool& pool() const noexcept { return *pool_; }
    [[nodiscard]] worker_pool& workers() const noexcept { return *workers_; }
    [[nodiscard]] std::size_t block_bytes() const noexcept { return block_bytes_; }
    /// What all flows together can have: the pool's limit, or that of its blocks of `block_bytes` where it is lower.
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return memory_bytes_; }
    /// Null where nobody looks.
    [[nodiscard]] weir::observer* observer() const noexcept { return observer_; }
    [[nodiscard]] std::chrono::milliseconds stall_after() const noexcept { return stall_after_; }

    /// What lives here, by kind and name. `resources().cleanup_all(deadline)` shuts the engine down: it takes no new
    /// flow, job or file from then on (`errc::closed`), ends what runs, gives idle memory back to the system, and
    /// closes files. Consumers of streams and callers of jobs get `errc::closed`; what they still hold is what is left.
    [[nodiscard]] registry& resources() const noexcept { return *resources_; }
    /// What all its flows did together, those that have ended and those that run; see `take_snapshot` for the rest.
    [[nodiscard]] flow_statistics flows() const;
    [[nodiscard]] const std::shared_ptr<detail::flow_ledger>& ledger() const noexcept { return ledger_; }

    /// False once its registry was cleaned up.
    [[nodiscard]] bool accepting() const noexcept;
    /// \throws weir::error  `errc::closed`, with what was to be done to what, when it does not accept any more
    void ensure_accepting(std::string_view operation, std::string_view subject) const;

private:
    boost::asio::any_io_executor executor_;
    std::unique_ptr<registry> own_resources_; ///< null where others share it
    registry* resources_;
    std::shared_ptr<buffer_pool> pool_;
    std::size_t block_bytes_;
    std::size_t memory_bytes_;
    weir::observer* observer_;
    std::chrono::milliseconds stall_after_;
    std::chrono::steady_clock::time_point born_ = std::chrono::steady_clock::now();
    std::shared_ptr<detail::flow_ledger> ledger_; ///< flows may end after the engine
    std::shared_ptr<detail::intake> intake_;
    std::shared_ptr<detail::pool_trimmer> trimmer_;
    registration intake_entry_;
    registration trimmer_entry_;
    std::shared_ptr<worker_pool> workers_; ///< end before all above: what runs there uses that
    std::unique_ptr<detail::context_watch> watch_; ///< has them end with the context, should that end first
};

} // namespace weir
