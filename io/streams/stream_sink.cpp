#include <weir/stream_sink.hpp>

#include <weir/detail/run_on.hpp>
#include <weir/error.hpp>

#include <boost/asio/error.hpp>

namespace weir {

namespace asio = boost::asio;

stream_sink_base::stream_sink_base(std::unique_ptr<detail::stream_writer> stream, std::string name)
    : stream_(std::move(stream)), name_(std::move(name))
{}

stream_sink_base::~stream_sink_base() = default;

asio::awaitable<void> stream_sink_base::write(std::span<chunk> chunks)
{
    if (failed_)
        throw error(failed_, "write", name_, position_);
    parts_.clear();
    for (const chunk& each : chunks)
        for (const slice& part : each.content)
            parts_.emplace_back(part.data(), part.size());

    const asio::any_io_executor here = co_await asio::this_coro::executor;
    const asio::any_io_executor there = stream_->executor();
    failed_ = std::make_error_code(std::errc::operation_canceled); // until the write has ended in another way
    detail::transfer written;
    if (here == there)
        written = co_await stream_->write(parts_);
    else
        written = co_await detail::run_on(there, stream_->write(parts_));
    position_ += written.bytes;
    failed_ = written.failed;
    if (failed_)
        throw error(failed_, "write", name_, position_);
}

} // namespace weir
