#include <weir/chunk_stream.hpp>

#include "pipeline.hpp"

#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace weir {

namespace asio = boost::asio;

chunk_stream::chunk_stream(engine& owner, std::unique_ptr<source> input, const stream_options& options)
    : pipeline_(std::make_shared<pipeline>(owner, std::move(input), options))
{
    pipeline_->enlist(owner);
}

chunk_stream::chunk_stream(chunk_stream&& other) noexcept
    : pipeline_(std::move(other.pipeline_)), current_(std::exchange(other.current_, nullptr)),
      given_(std::exchange(other.given_, 0))
{
}

chunk_stream& chunk_stream::operator=(chunk_stream&& other) noexcept
{
    if (this != &other) {
        chunk_stream old(std::move(*this));
        pipeline_ = std::move(other.pipeline_);
        current_ = std::exchange(other.current_, nullptr);
        given_ = std::exchange(other.given_, 0);
    }
    return *this;
}

chunk_stream::~chunk_stream()
{
    if (!pipeline_)
        return;
    pipeline_->recycle(current_);
    pipeline::cancel(pipeline_);
}

asio::awaitable<std::optional<chunk>> chunk_stream::next()
{
    const std::span<chunk> rest = co_await fill();
    if (rest.empty())
        co_return std::nullopt;
    ++given_;
    co_return std::move(rest.front());
}

asio::awaitable<std::span<chunk>> chunk_stream::next_batch()
{
    const std::span<chunk> rest = co_await fill();
    given_ += rest.size();
    co_return rest;
}

asio::awaitable<std::span<chunk>> chunk_stream::fill()
{
    pipeline& work = *pipeline_;
    if (current_ && given_ < current_->count())
        co_return current_->chunks().subspan(given_);
    work.recycle(std::exchange(current_, nullptr));
    given_ = 0;
    if (!work.started())
        pipeline::start(pipeline_);
    for (;;) {
        work.ready.reset(); // before the look: what is set after it is not lost
        bool ended = false;
        if ((current_ = work.take(ended)))
            co_return current_->chunks();
        if (ended)
            co_return std::span<chunk>();
        const auto waiting = work.stages.waiting(stage::sink);
        co_await work.ready.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> chunk_stream::close()
{
    pipeline& work = *pipeline_;
    work.recycle(std::exchange(current_, nullptr));
    const std::unique_ptr<source> unread = work.refuse_next();
    pipeline::cancel(pipeline_);
    while (!work.finished()) // once set it stays so
        co_await work.drained.async_wait(asio::use_awaitable);
    work.drop_queue();
    work.strike_off();
    if (unread)
        co_await unread->close();
}

const chunker_options& chunk_stream::chunker() const noexcept { return pipeline_->sizes(); }
std::string chunk_stream::kernels() const { return pipeline_->kernels(); }
flow_statistics chunk_stream::statistics() const noexcept { return pipeline_->statistics(); }

} // namespace weir
