#include <weir/stream_sink.hpp>

#include <weir/detail/run_on.hpp>
#include <weir/error.hpp>

#include <boost/asio/error.hpp>

namespace weir {

namespace asio = boost::asio;

namespace {

void append_to(std::vector<asio::const_buffer>& parts, const slice& part) { parts.emplace_back(part.data(), part.size()); }

/// On the stream's executor. Owns what it writes: an execution context that ends may take the one who waits for this.
asio::awaitable<detail::transfer> write_owned(std::shared_ptr<detail::stream_writer> stream, std::vector<slice> content)
{
    std::vector<asio::const_buffer> parts;
    for (const slice& each : content)
        append_to(parts, each);
    co_return co_await stream->write(parts);
}

} // namespace

stream_sink_base::stream_sink_base(std::unique_ptr<detail::stream_writer> stream, std::string name)
    : stream_(std::move(stream)), name_(std::move(name))
{}

stream_sink_base::~stream_sink_base() = default;

asio::awaitable<void> stream_sink_base::write(std::span<chunk> chunks)
{
    if (failed_)
        throw error(failed_, "write", name_, position_);
    const asio::any_io_executor here = co_await asio::this_coro::executor;
    const asio::any_io_executor there = stream_->executor();
    failed_ = std::make_error_code(std::errc::operation_canceled); // until the write has ended in another way
    detail::transfer written;
    if (here == there) {
        parts_.clear();
        for (const chunk& each : chunks)
            for (const slice& part : each.content)
                append_to(parts_, part);
        written = co_await stream_->write(parts_);
    }
    else {
        std::vector<slice> content;
        for (const chunk& each : chunks)
            content.insert(content.end(), each.content.begin(), each.content.end());
        written = co_await detail::run_on(there, write_owned(stream_, std::move(content)));
    }
    position_ += written.bytes;
    failed_ = written.failed;
    if (failed_)
        throw error(failed_, "write", name_, position_);
}

} // namespace weir
