#pragma once
// What a service implements to see what weir does: its own metrics, traces or logs.
//
// A null pointer is the usual observer. So nothing costs when nobody looks: no clock is read, no text is built.

#include <weir/export.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace weir {

enum class event_kind : std::uint8_t {
    acquire, ///< memory was taken, or waited for: duration is the wait
    read,    ///< a source, a low-level file or a batch of small files gave bytes
    stage,   ///< `operation` names it: "cut" and "digest" had one turn on a worker, the "sink" gave chunks back
    flow,    ///< a stream or an ingest ended
    cleanup, ///< a resource was released: by its guard, or by `registry::cleanup_all`
    stalled, ///< a stage has made its flow wait for long (`engine_options::stall_after`); `operation` names it
};

/// `acquire`, `read`, `stage`, `flow`, `cleanup`, `stalled`.
[[nodiscard]] WEIR_API std::string_view to_string(event_kind kind) noexcept;

/// One thing that happened. Copied freely; the two texts are valid during the call only.
struct event {
    event_kind kind = event_kind::stage;
    std::string_view operation = {}; ///< the verb, as in an error: "read", "reserve", "digest"
    std::string_view subject = {};   ///< path, URL or other name of what it was done to; may be empty
    std::chrono::nanoseconds duration{0};
    std::error_code outcome = {}; ///< empty: success
    std::uint64_t bytes = 0;
    std::uint64_t count = 0; ///< of what the operation is about: blocks, chunks, resources
};
static_assert(std::is_trivially_copyable_v<event>);

/// Receives events. Lives longer than everything that was given its address.
///
/// \par Thread-safety
/// Called from any thread, from several at a time, in the middle of work: be short, and never call back into weir.
class WEIR_API observer {
public:
    observer() = default;
    observer(const observer&) = delete;
    observer& operator=(const observer&) = delete;
    virtual ~observer();

    virtual void on_event(const event& what) noexcept;
};

/// Measures one operation and tells the observer, if there is one, when it ends.
///
/// One that is dropped before `succeed` or `fail` (an exception passed, a frame was destroyed) tells
/// `std::errc::operation_canceled`.
class WEIR_API timed_event {
public:
    /// \param target  may be null: then nothing happens here, not even a look at the clock
    timed_event(observer* target, event_kind kind, std::string_view operation, std::string_view subject = {}) noexcept
        : target_(target)
    {
        if (target_)
            start(kind, operation, subject);
    }
    timed_event(const timed_event&) = delete;
    timed_event& operator=(const timed_event&) = delete;
    ~timed_event()
    {
        if (target_)
            send(std::make_error_code(std::errc::operation_canceled), 0, 0);
    }

    /// Ends it well. The first end counts, what follows says nothing.
    void succeed(std::uint64_t bytes = 0, std::uint64_t count = 0) noexcept
    {
        if (target_)
            send({}, bytes, count);
    }
    void fail(std::error_code outcome, std::uint64_t bytes = 0, std::uint64_t count = 0) noexcept
    {
        if (target_)
            send(outcome, bytes, count);
    }

private:
    void start(event_kind kind, std::string_view operation, std::string_view subject) noexcept;
    void send(std::error_code outcome, std::uint64_t bytes, std::uint64_t count) noexcept;

    observer* target_; // null once it was told
    std::chrono::steady_clock::time_point started_;
    event_kind kind_;
    std::string_view operation_;
    std::string_view subject_;
};

} // namespace weir
