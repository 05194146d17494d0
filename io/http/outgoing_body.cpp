#include "outgoing_body.hpp"

#include <weir/error.hpp>
#include <weir/http/writer.hpp>

#include <string>

namespace weir::http {

namespace asio = boost::asio;

framing framing_of_body(std::optional<std::uint64_t> length) noexcept
{
    framing out{.end = body_end::chunked, .reusable = true};
    if (length) {
        out.end = body_end::length;
        out.length = *length;
    }
    return out;
}

void ensure_fits(const url& target, std::optional<std::uint64_t> length, std::uint64_t sent, std::uint64_t more)
{
    if (length && more > *length - sent)
        throw error(errc::invalid_size, "send", target.to_string(), sent,
                    "more than the length of " + std::to_string(*length));
}

asio::awaitable<bool> outgoing_body::send(std::span<const asio::const_buffer> data)
{
    const std::uint64_t bytes = asio::buffer_size(data);
    if (bytes == 0 || refused_)
        co_return !refused_;
    ensure_fits(exchange_->from(), length_, sent_, bytes);
    const chunk_start size(bytes);
    parts_.clear();
    if (!length_)
        parts_.push_back(asio::buffer(size.text()));
    parts_.insert(parts_.end(), data.begin(), data.end());
    if (!length_)
        parts_.push_back(asio::buffer(chunk_end));
    const bool waits = co_await exchange_->send(parts_);
    sent_ += bytes;
    // A server that has all of the body may answer at once.
    refused_ = !waits && sent_ != length_;
    co_return !refused_;
}

asio::awaitable<bool> outgoing_body::await_refusal()
{
    exchange_->lift_limit();
    return refusal();
}

asio::awaitable<bool> outgoing_body::refusal()
{
    if (refused_)
        co_return true;
    co_await exchange_->await_answer();
    refused_ = sent_ != length_;
    co_return refused_;
}

asio::awaitable<void> outgoing_body::finish(const fields& trailer)
{
    if (!refused_)
        co_await end(trailer);
    co_await exchange_->receive_head(!refused_);
}

asio::awaitable<void> outgoing_body::end(const fields& trailer)
{
    if (length_ && sent_ < *length_)
        throw error(errc::ended_early, "send", exchange_->from().to_string(), sent_,
                    "less than the length of " + std::to_string(*length_));
    if (length_)
        co_return;
    std::string last;
    write_last_chunk(last, trailer);
    parts_.assign(1, asio::buffer(last));
    const bool waits = co_await exchange_->send(parts_);
    static_cast<void>(waits); // the answer may have come by now
}

} // namespace weir::http
