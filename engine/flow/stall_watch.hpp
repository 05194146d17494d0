#pragma once
// Has somebody look at a piece of work from time to time, to see whether it still moves.

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace weir::detail {

/// \par Thread-safety
/// Made, used and destroyed on one strand.
class stall_watch {
public:
    /// \param look  called on the strand of `where`, every `period`; must not throw
    stall_watch(const boost::asio::any_io_executor& where, std::chrono::milliseconds period, std::function<void()> look);
    stall_watch(const stall_watch&) = delete;
    stall_watch& operator=(const stall_watch&) = delete;

private:
    struct state {
        boost::asio::steady_timer timer;
        std::chrono::milliseconds period;
        std::function<void()> look;
    };
    static void arm(const std::shared_ptr<state>& self);

    std::shared_ptr<state> state_; ///< its timer goes with it
};

} // namespace weir::detail
