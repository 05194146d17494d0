#pragma once
// A flag that coroutines and callbacks wait for, set from any thread.

#include <weir/detail/pending.hpp>
#include <weir/export.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

namespace weir::detail {

/// Set until it is reset; a wait for a set event completes at once (by a post).
///
/// Waiters that are left when it is destroyed get `errc::closed`.
/// \par Thread-safety
/// All members from any thread.
class WEIR_API async_event {
public:
    async_event();
    async_event(const async_event&) = delete;
    async_event& operator=(const async_event&) = delete;
    ~async_event();

    void set();
    void reset() noexcept;
    [[nodiscard]] bool is_set() const noexcept;

    /// Waits until it is set. Completes with `void(boost::system::error_code)`.
    /// \par Cancellation
    /// terminal, partial, total: `operation_aborted`, the event stays as it is.
    template <class Token> auto async_wait(Token&& token)
    {
        return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
            [](auto handler, std::shared_ptr<state> self) { wait(self, waiter(std::move(handler))); }, token, state_);
    }

private:
    using waiter = completion<boost::system::error_code>;

    struct state {
        struct entry {
            std::uint64_t id;
            waiter waiting;
        };
        mutable std::mutex mutex; // never held while completing
        bool set = false;
        std::uint64_t last_id = 0;
        std::list<entry> waiters;
    };

    static void wait(const std::shared_ptr<state>& self, waiter who);
    static void cancel(state& self, std::uint64_t id);
    void complete_all(bool now_set, boost::system::error_code outcome);

    std::shared_ptr<state> state_;
};

} // namespace weir::detail
