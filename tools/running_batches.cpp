#include "running_batches.hpp"

#include "base/event_loop.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace tool {

asio::awaitable<void> running_batches::start(std::shared_ptr<check_batch> batch)
{
    const auto strand = co_await asio::this_coro::executor;
    if (!batch_done_)
        batch_done_ = std::make_shared<asio::steady_timer>(weir::detail::with_event_loop(strand),
                                                           asio::steady_timer::time_point::max());
    const auto& running = running_.emplace_back(std::make_shared<running_batch>());
    running->lines = std::move(batch);
    auto work = [running, strand, told = batch_done_] {
        std::exception_ptr failure;
        try {
            running->lines->run();
        }
        catch (...) {
            failure = std::current_exception();
        }
        asio::post(strand, [running, told, failure] {
            running->done = true;
            running->failure = failure;
            told->cancel();
        });
    };
    asio::post(workers_.executor(), std::move(work));
}

asio::awaitable<std::shared_ptr<check_batch>> running_batches::take_oldest()
{
    const std::shared_ptr<running_batch> oldest = running_.front();
    while (!oldest->done) {
        (void)co_await batch_done_->async_wait(asio::as_tuple(asio::use_awaitable));
    }
    if (oldest->failure)
        std::rethrow_exception(oldest->failure);
    running_.pop_front();
    co_return std::move(oldest->lines);
}

} // namespace tool
