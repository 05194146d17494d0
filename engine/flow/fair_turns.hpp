#pragma once
// Others' turn, now and then, of who works on what is at hand and never waits.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace weir::detail {

class fair_turns {
public:
    [[nodiscard]] bool is_over() const noexcept { return clock::now() - began_ > turn_time; }

    /// Goes to the end of the executor's queue, and begins another.
    [[nodiscard]] boost::asio::awaitable<void> give_way()
    {
        const auto here = co_await boost::asio::this_coro::executor;
        co_await boost::asio::post(here, boost::asio::use_awaitable);
        began_ = clock::now();
    }

private:
    using clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds turn_time{2};

    clock::time_point began_ = clock::now();
};

} // namespace weir::detail
