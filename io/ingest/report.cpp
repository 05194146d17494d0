#include "report.hpp"

#include <boost/asio/use_awaitable.hpp>

namespace weir::detail {

namespace asio = boost::asio;

namespace {
constexpr std::size_t reports_a_lane = 3; // one is filled, one waits, one is with the sink
}

report_channel::report_channel(std::size_t lanes) : running_(lanes)
{
    reports_.reserve(lanes * reports_a_lane);
    sent_.reserve(lanes * reports_a_lane);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        lane_state& state = *lanes_.emplace_back(std::make_unique<lane_state>());
        state.idle.reserve(reports_a_lane);
        for (std::size_t i = 0; i < reports_a_lane; ++i) {
            reports_.push_back(std::make_unique<report>());
            reports_.back()->lane = lane;
            state.idle.push_back(reports_.back().get());
        }
    }
}

asio::awaitable<report*> report_channel::take(std::size_t lane)
{
    lane_state& mine = *lanes_[lane];
    for (;;) {
        mine.back.reset();
        {
            std::lock_guard lock(mutex_);
            if (!mine.idle.empty()) {
                report* const free = mine.idle.back();
                mine.idle.pop_back();
                co_return free;
            }
        }
        co_await mine.back.async_wait(asio::use_awaitable);
    }
}

void report_channel::send(report* filled)
{
    {
        std::lock_guard lock(mutex_);
        sent_.push_back(filled);
    }
    arrived_.set();
}

void report_channel::put_back(report* unused) noexcept
{
    unused->clear();
    lane_state& owner = *lanes_[unused->lane];
    {
        std::lock_guard lock(mutex_);
        owner.idle.push_back(unused);
    }
    owner.back.set();
}

void report_channel::lane_ended(std::exception_ptr failure) noexcept
{
    {
        std::lock_guard lock(mutex_);
        --running_;
        if (!failure_)
            failure_ = std::move(failure);
    }
    arrived_.set();
    if (all_ended())
        ended_.set();
}

asio::awaitable<report*> report_channel::receive()
{
    for (;;) {
        arrived_.reset();
        {
            std::lock_guard lock(mutex_);
            if (!sent_.empty()) {
                report* const next = sent_.front();
                sent_.erase(sent_.begin());
                co_return next;
            }
            if (running_ == 0)
                co_return nullptr;
        }
        co_await arrived_.async_wait(asio::use_awaitable);
    }
}

bool report_channel::all_ended() const
{
    std::lock_guard lock(mutex_);
    return running_ == 0;
}

asio::awaitable<void> report_channel::wait_for_lanes()
{
    while (!all_ended())
        co_await ended_.async_wait(asio::use_awaitable);
}

std::exception_ptr report_channel::failure() const
{
    std::lock_guard lock(mutex_);
    return failure_;
}

} // namespace weir::detail
