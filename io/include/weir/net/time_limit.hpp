#pragma once
// A limit of time that is moved on before every operation, and costs next to nothing when it is.

#include <weir/export.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace weir::net {

/// Calls a function when a point of time passes that was not moved on before.
///
/// One timer sleeps until the point that it was told first. If that was moved on meanwhile, it sleeps on: so a limit
/// that is renewed with each block of a stream costs a lock and a comparison, and no timer is armed or cancelled for it.
/// For one operation as a whole there is `with_deadline`.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time, on one strand; it may go to another strand while there
/// is no limit.
class WEIR_API time_limit {
public:
    using clock = std::chrono::steady_clock;

    /// \param executor   of the timer; its context outlives this
    /// \param on_expiry  called once for each limit that passes; must not throw, and not end this object
    time_limit(const boost::asio::any_io_executor& executor, std::function<void()> on_expiry);
    time_limit(const time_limit&) = delete;
    time_limit& operator=(const time_limit&) = delete;
    ~time_limit();

    /// A new limit in place of the old one; `time_point::max()` is none. What is being watched may be given more time
    /// so; less time only holds from the next `watch` on.
    void set(clock::time_point limit);

    /// For an operation that starts now: sees to it that the limit is noticed. A limit that has passed while nothing
    /// was watched is noticed soon after.
    /// \param where  the operation's executor: the function is called there, and so never beside its handlers
    /// \returns  whether there is time left; no if the passing of this limit was told before
    template <class Executor> [[nodiscard]] bool watch(const Executor& where)
    {
        const phase now = look();
        if (now == phase::unwatched)
            arm(where);
        return now != phase::expired;
    }

    /// Whether the passing of the present limit was told.
    [[nodiscard]] bool expired() const noexcept { return look() == phase::expired; }

private:
    struct state;
    enum class phase { idle, unwatched, watched, expired };

    [[nodiscard]] phase look() const noexcept;
    void arm(const boost::asio::any_io_executor& where);

    std::shared_ptr<state> state_;
};

} // namespace weir::net
