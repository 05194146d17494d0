#pragma once
// Knows every live resource by kind: counts them, names what leaked, and cleans all of them up in order.
//
//   weir::registry resources;
//   weir::registration entry = resources.add({.kind = weir::resource_kind::file, .name = path, .bytes = size});
//   ...                                              // counted while `entry` lives
//   weir::cleanup_report done = co_await resources.cleanup_all(std::chrono::steady_clock::now() + 5s);

#include <weir/export.hpp>

#include <boost/asio/awaitable.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

class observer;

enum class resource_kind : std::uint8_t {
    pool_blocks, ///< a batch of blocks taken from the system
    file,
    mapping,
    reservation,
    ring_operation,
    connection,
    guard,
    flow,
    other,
};
inline constexpr std::size_t resource_kind_count = 9;

/// The order of a shutdown: a phase begins when the one before has ended.
enum class shutdown_phase : std::uint8_t { stop_accepting, finish_work, release_buffers, close_files };
inline constexpr std::size_t shutdown_phase_count = 4;

/// For reports: the name in words, such as `pool blocks` or `close files`.
[[nodiscard]] WEIR_API std::string_view to_string(resource_kind kind) noexcept;
[[nodiscard]] WEIR_API std::string_view to_string(shutdown_phase phase) noexcept;

/// When a resource's turn comes, unless its registration says another phase: connections, flows, guards, ring
/// operations and others with the work; blocks, reservations and mappings with the buffers; files at the end. Listeners
/// say `stop_accepting` themselves.
[[nodiscard]] WEIR_API shutdown_phase phase_of(resource_kind kind) noexcept;

/// What a registry can ask of a resource, implemented by the resource's shared state. All three may be called after
/// the resource is gone, and while its owner releases it: they then do nothing.
class WEIR_API cleanable {
public:
    cleanable() = default;
    cleanable(const cleanable&) = delete;
    cleanable& operator=(const cleanable&) = delete;
    virtual ~cleanable();

    /// Releases what needs no waiting. \returns  whether the resource is gone
    virtual bool release_now() noexcept;

    /// Releases in the usual way; ends when the resource is gone. Runs on the executor of `cleanup_all`, and is
    /// cancelled (terminal) at the deadline.
    [[nodiscard]] virtual boost::asio::awaitable<void> release();

    /// Releases without waiting, whatever is lost by it. \returns  false when that is not possible (yet)
    virtual bool force_release() noexcept = 0;
};

struct resource_description {
    resource_kind kind = resource_kind::other;
    std::string name = {};                    ///< path, URL, operation: for the leak report
    std::uint64_t bytes = 0;                  ///< memory or content that it stands for
    std::optional<shutdown_phase> phase = {}; ///< `phase_of(kind)` where not said
    std::weak_ptr<cleanable> target = {};     ///< empty: counted and reported, never cleaned up
    /// False for what lives as long as its owner and is no leak: it has its turn in a clean-up, and that is all.
    bool counted = true;
};

struct kind_statistics {
    std::uint64_t live = 0;
    std::uint64_t peak = 0;
    std::uint64_t total = 0; ///< ever added
    std::uint64_t live_bytes = 0;
};

struct registry_statistics {
    std::array<kind_statistics, resource_kind_count> kinds{}; ///< by `resource_kind`

    [[nodiscard]] const kind_statistics& of(resource_kind kind) const noexcept
    {
        return kinds[static_cast<std::size_t>(kind)];
    }
    [[nodiscard]] WEIR_API std::uint64_t live() const noexcept;
};

/// A resource that is still there.
struct live_resource {
    resource_kind kind = resource_kind::other;
    std::string name;
    std::uint64_t bytes = 0;
    std::chrono::nanoseconds age{0};
};

/// What became of the resources of a phase that could be cleaned up. Each is in exactly one of the first four.
struct cleanup_counts {
    std::size_t immediate = 0;  ///< released at once
    std::size_t background = 0; ///< released in the usual way, before the deadline
    std::size_t forced = 0;     ///< released by force: at the deadline, or after a failure
    std::size_t unfinished = 0; ///< cancelled, but a release was still under way
    std::size_t failures = 0;   ///< usual releases that ended by an error
};

struct cleanup_report {
    std::array<cleanup_counts, shutdown_phase_count> phases{}; ///< by `shutdown_phase`
    std::uint64_t left = 0;                                    ///< resources still registered at the end

    [[nodiscard]] WEIR_API cleanup_counts total() const noexcept;
};

/// Keeps one resource in its registry; takes it out at its end. May outlive the registry.
///
/// \par Thread-safety
/// Distinct objects: any threads.
class WEIR_API registration {
public:
    registration() noexcept;
    registration(registration&& other) noexcept;
    registration& operator=(registration&& other) noexcept;
    ~registration();

    explicit operator bool() const noexcept { return state_ != nullptr; }
    void reset() noexcept;

private:
    friend class registry;
    struct place {
        std::uint32_t shard;
        std::uint32_t slot;
    };
    struct shared;

    registration(std::shared_ptr<shared> state, place where) noexcept;

    std::shared_ptr<shared> state_;
    place place_{};
};

/// The books of live resources. An engine has one of its own, unless `engine_options::resources` names one; a service
/// may have one for everything.
///
/// \par Thread-safety
/// All members from any thread, but the destructor.
class WEIR_API registry {
public:
    /// \param observer  told of every release that `cleanup_all` made; may be null, outlives the registry
    explicit registry(weir::observer* observer = nullptr);
    registry(const registry&) = delete;
    registry& operator=(const registry&) = delete;
    ~registry();

    /// \par Cost
    /// A lock of one of eight shards; no allocation in the steady state but for a name of more than 15 characters.
    [[nodiscard]] registration add(resource_description what);

    [[nodiscard]] registry_statistics statistics() const noexcept;

    /// Everything that is registered, oldest first.
    [[nodiscard]] std::vector<live_resource> live_resources() const;

    /// The above as text, a resource a line: `file a.bin, 4096 bytes, for 12.5 s`. Empty when nothing is left.
    [[nodiscard]] std::string leak_report() const;

    /// Cleans up all resources that can be, phase by phase. In each: first what can be freed at once, then the usual
    /// releases, side by side and awaited until the deadline, then the rest by force. Past the deadline the phases that
    /// are left have no second step. Releases that are under way when force is due are cancelled and get 100 ms to end.
    ///
    /// \pre Nobody uses the resources any more; their owners may still release them.
    /// \par Cancellation
    /// terminal, partial, total: releases under way are cancelled, and nothing further is begun.
    /// \par Executor
    /// Releases run on a strand of the caller's, unless the resource has its own.
    [[nodiscard]] boost::asio::awaitable<cleanup_report> cleanup_all(std::chrono::steady_clock::time_point deadline);

private:
    std::shared_ptr<registration::shared> state_;
};

} // namespace weir
