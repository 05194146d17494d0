#include <weir/http/sink.hpp>

#include "client_impl.hpp"

#include <weir/error.hpp>
#include <weir/http/writer.hpp>

#include <boost/asio/buffer.hpp>

#include <utility>
#include <vector>

namespace weir::http {

namespace asio = boost::asio;

class http_sink::upload {
public:
    upload(std::shared_ptr<client::impl> web, url target, sink_options options)
        : web_(std::move(web)), target_(std::move(target)), options_(std::move(options))
    {
    }

    [[nodiscard]] asio::awaitable<void> write(std::span<chunk> chunks)
    {
        std::uint64_t bytes = 0;
        for (const chunk& each : chunks)
            bytes += each.size();
        if (bytes == 0)
            co_return;
        if (options_.length && sent_ + bytes > *options_.length)
            throw error(errc::invalid_size, "send", target_.to_string(), sent_,
                        "more than the length of " + std::to_string(*options_.length));
        if (!exchange_)
            co_await begin();
        const chunk_start size(bytes);
        gather(chunks, size);
        const bool wanted = co_await exchange_->send(parts_);
        sent_ += bytes;
        if (!wanted && sent_ != options_.length)
            co_await refuse();
    }

    [[nodiscard]] asio::awaitable<response_head> finish()
    {
        if (!exchange_)
            co_await begin();
        if (options_.length && sent_ < *options_.length)
            throw error(errc::ended_early, "send", target_.to_string(), sent_,
                        "less than the length of " + std::to_string(*options_.length));
        if (!options_.length) {
            std::string end;
            write_last_chunk(end);
            parts_.assign(1, asio::buffer(end));
            const bool sent = co_await exchange_->send(parts_);
            static_cast<void>(sent); // the answer may have come by now
        }
        co_await exchange_->receive_head(true);
        check_status();
        co_await exchange_->discard();
        co_return exchange_->head();
    }

private:
    [[nodiscard]] asio::awaitable<void> begin()
    {
        request_head ask{options_.method, target_, options_.header, request_body::once};
        const bool asks = options_.expect_continue.count() > 0;
        if (asks)
            ask.header.set("Expect", "100-continue");
        framing body{.end = body_end::chunked, .reusable = true};
        if (options_.length) {
            body.end = body_end::length;
            body.length = *options_.length;
        }
        exchange_ = co_await web_->begin(std::move(ask), body, web_->deadline());
        if (!asks)
            co_return;
        const bool wanted = co_await exchange_->await_continue(options_.expect_continue);
        if (!wanted)
            co_await refuse();
    }

    void gather(std::span<chunk> chunks, const chunk_start& size)
    {
        parts_.clear();
        if (!options_.length)
            parts_.push_back(asio::buffer(size.text()));
        for (const chunk& each : chunks)
            for (const slice& part : each.content)
                parts_.emplace_back(part.data(), part.size());
        if (!options_.length)
            parts_.push_back(asio::buffer(chunk_end));
    }

    /// The server has answered, and wants no more.
    [[nodiscard]] asio::awaitable<void> refuse()
    {
        co_await exchange_->receive_head(false);
        check_status();
        throw error(errc::protocol_violation, "send", target_.to_string(), sent_, "answered before the body was there");
    }

    void check_status() const
    {
        if (exchange_->head().status / 100 != 2)
            throw status_error(options_.method, target_, exchange_->head());
    }

    const std::shared_ptr<client::impl> web_;
    const url target_;
    const sink_options options_;
    client::impl::exchange_pointer exchange_;
    std::vector<asio::const_buffer> parts_;
    std::uint64_t sent_ = 0;
};

http_sink::http_sink(client& to, url target, sink_options options)
    : upload_(std::make_unique<upload>(client_access::of(to), std::move(target), std::move(options)))
{
}
http_sink::~http_sink() = default;

asio::awaitable<void> http_sink::write(std::span<chunk> chunks) { return upload_->write(chunks); }

asio::awaitable<void> http_sink::finish()
{
    response_head got = co_await upload_->finish();
    answer_ = std::move(got);
}

} // namespace weir::http
