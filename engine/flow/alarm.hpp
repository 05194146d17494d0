#pragma once
// Has something done on a strand a while later.

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace weir::detail {

/// \par Thread-safety
/// Made, used and destroyed on one strand.
class alarm {
public:
    /// \param ring  called on the strand `where`; must not throw. May set the alarm anew.
    alarm(const boost::asio::any_io_executor& where, std::function<void()> ring);
    alarm(const alarm&) = delete;
    alarm& operator=(const alarm&) = delete;

    /// Rings once, `after` from now. \returns  false, and does nothing, while the alarm is set
    bool set(std::chrono::nanoseconds after);

private:
    struct state;
    std::shared_ptr<state> state_; ///< its timer goes with it
};

} // namespace weir::detail
