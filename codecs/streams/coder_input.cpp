#include "streams/coder_input.hpp"

namespace weir::codecs {

namespace asio = boost::asio;

asio::awaitable<void> coder_input::feed(stream_coder& coder)
{
    if (!memory_)
        memory_.emplace(owner_, buffer_bytes_);
    bytes piece = co_await from_->read(memory_->blocks(), memory_->blocks().block_bytes());
    if (piece.empty())
        coder.finish();
    else
        coder.give(std::move(piece));
}

asio::awaitable<void> coder_input::close()
{
    memory_.reset();
    co_await from_->close();
}

} // namespace weir::codecs
