#include "lane_group.hpp"

#include <weir/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

struct lane_group::runner {
    runner(std::shared_ptr<ingest_work> shared, std::size_t index)
        : work(std::move(shared)), lane(*work, index), strand(asio::make_strand(work->owner.workers().executor()))
    {
    }
    std::shared_ptr<ingest_work> work;
    ingest_lane lane;
    asio::strand<worker_pool::executor_type> strand;
    asio::cancellation_signal signal; ///< emitted on the strand only
};

/// Says that a lane has ended, also when an engine that ends destroys its frame, begun or not.
class lane_group::last_word {
public:
    explicit last_word(std::shared_ptr<ingest_work> work) noexcept : work_(std::move(work)) {}
    last_word(last_word&&) noexcept = default;
    last_word& operator=(last_word&&) = delete;
    ~last_word()
    {
        if (work_)
            work_->reports.lane_ended(std::make_exception_ptr(error(errc::closed, "ingest")));
    }
    void say(std::exception_ptr failure) noexcept
    {
        const auto work = std::exchange(work_, nullptr);
        work->reports.lane_ended(std::move(failure));
    }

private:
    std::shared_ptr<ingest_work> work_;
};

/// The frame shares the runner: it is still there when the job's owner has been told of the end. So does the
/// completion handler, because Asio uses the signal until that is called: a lane that never suspended is posted
/// once more after its last line.
asio::awaitable<void> lane_group::run(std::shared_ptr<runner> self, last_word word)
{
    std::exception_ptr failure;
    try {
        co_await self->lane.run();
    }
    catch (...) {
        failure = std::current_exception();
    }
    self->lane.drop();
    word.say(std::move(failure));
}

void lane_group::start(std::size_t lanes)
{
    for (std::size_t i = 0; i < lanes; ++i) {
        const auto next = std::make_shared<runner>(work_, i);
        runners_.push_back(next);
        asio::co_spawn(next->strand, run(next, last_word(work_)),
                       asio::bind_cancellation_slot(next->signal.slot(), [next](const std::exception_ptr&) {}));
    }
}

void lane_group::cancel()
{
    if (runners_.empty() || work_->reports.all_ended())
        return;
    work_->cancelled = true;
    for (const std::weak_ptr<runner>& each : runners_)
        if (const auto running = each.lock())
            asio::post(running->strand, [running] { running->signal.emit(asio::cancellation_type::terminal); });
}

asio::awaitable<void> lane_group::release()
{
    cancel();
    co_await work_->reports.wait_for_lanes();
}

bool lane_group::force_release() noexcept
{
    try {
        cancel();
    }
    catch (...) { // no memory to ask them: they go on
    }
    return work_->reports.all_ended();
}

} // namespace weir::detail
