#pragma once
// What every async_guard shares with the executor and the registry, whatever it guards.
//
//            release()             on its executor          returned or threw, or the frame was destroyed
//     held ------------> queued ------------------> running -------------------------------------------> done
//       |                   |                                                                             ^
//       |                   +-- node destroyed without having run, or forced: fallback -------------------+
//       +---- dismissed, or forced: fallback -------------------------------------------------------------+
//
// Whoever moves it to `running` has the claim: the one object whose end settles the guard.

#include <weir/detail/pending.hpp>
#include <weir/detail/run_on.hpp>
#include <weir/export.hpp>
#include <weir/guard_options.hpp>
#include <weir/observer.hpp>
#include <weir/registry.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace weir {
namespace detail {

class WEIR_API guard_core : public cleanable {
public:
    using waiter = completion<boost::system::error_code>;

    guard_core(boost::asio::any_io_executor executor, guard_options&& options) noexcept;
    ~guard_core() override;

    /// Registers a new core. If that throws, the fallback has run.
    static void track(const std::shared_ptr<guard_core>& self);

    /// Queues the release if nobody has begun it. Never inline; if it cannot be queued, the fallback runs.
    static void start(const std::shared_ptr<guard_core>& self) noexcept;

    /// As `start`, and completes `who` when the resource is gone; its cancellation is that of the release.
    static void start_and_wait(const std::shared_ptr<guard_core>& self, waiter who);

    /// \returns  false when somebody has begun to release it
    bool dismiss() noexcept;
    [[nodiscard]] bool held() const noexcept { return phase_.load(std::memory_order_acquire) == phase::held; }
    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }

    boost::asio::awaitable<void> release() override;
    bool force_release() noexcept override;

protected:
    virtual boost::asio::awaitable<void> run_release() = 0;
    virtual void run_fallback() noexcept = 0;

private:
    enum class phase : std::uint8_t { held, queued, running, done };
    class claim;
    class node;

    static boost::asio::awaitable<void> perform(claim mine);
    static void run(claim mine) noexcept;
    bool advance(phase from, phase to) noexcept;
    void settle(std::error_code outcome, const std::exception_ptr& failure) noexcept;
    void unregister() noexcept;
    void tell(const std::exception_ptr& failure) noexcept;

    boost::asio::any_io_executor executor_;
    guard_options options_;
    std::atomic<phase> phase_{phase::held};
    std::optional<timed_event> timing_; // the claim's
    std::weak_ptr<guard_core> self_;

    std::mutex mutex_; // guards what follows
    registration registration_; // empty once the guard is settled
    std::shared_ptr<child_control> child_;
    std::vector<waiter> waiters_;
    bool cancelled_ = false;
    bool settled_ = false;
    std::error_code outcome_;
};

} // namespace detail
} // namespace weir
