#include <weir/http/sink.hpp>

#include "client_impl.hpp"

#include <weir/error.hpp>

#include <boost/asio/buffer.hpp>

#include <optional>
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
        gather(chunks);
        if (parts_.empty())
            co_return;
        if (!body_) {
            ensure_fits(target_, options_.length, 0, asio::buffer_size(parts_));
            co_await begin();
        }
        const bool wanted = co_await body_->send(parts_);
        if (!wanted)
            co_await refuse();
    }

    /// Whether there is an answer that may come.
    [[nodiscard]] bool has_begun() const noexcept { return body_.has_value(); }
    [[nodiscard]] asio::awaitable<void> watch() { return watch(body_->await_refusal()); }

    [[nodiscard]] asio::awaitable<response_head> finish()
    {
        if (!body_)
            co_await begin();
        const fields no_trailer;
        co_await body_->finish(no_trailer);
        check_status();
        co_await body_->exchange()->discard();
        co_return body_->exchange()->head();
    }

private:
    [[nodiscard]] asio::awaitable<void> begin()
    {
        request_head ask{options_.method, target_, options_.header, request_body::once};
        const bool asks = options_.expect_continue.count() > 0;
        if (asks)
            ask.header.set("Expect", "100-continue");
        outgoing_body begun = co_await web_->begin(std::move(ask), options_.length, web_->deadline());
        body_.emplace(std::move(begun));
        if (!asks)
            co_return;
        const bool wanted = co_await body_->exchange()->await_continue(options_.expect_continue);
        if (wanted)
            co_return;
        body_->refuse();
        co_await refuse();
    }

    [[nodiscard]] asio::awaitable<void> watch(asio::awaitable<bool> refusal)
    {
        const bool refused = co_await std::move(refusal);
        if (refused)
            co_await refuse();
    }

    void gather(std::span<chunk> chunks)
    {
        parts_.clear();
        for (const chunk& each : chunks)
            for (const slice& part : each.content)
                parts_.emplace_back(part.data(), part.size());
    }

    /// The server has answered, and wants no more.
    [[nodiscard]] asio::awaitable<void> refuse()
    {
        const fields no_trailer;
        co_await body_->finish(no_trailer);
        check_status();
        throw error(errc::protocol_violation, "send", target_.to_string(), body_->sent(),
                    "answered before the body was there");
    }

    void check_status() const
    {
        const response_head& head = body_->exchange()->head();
        if (head.status / 100 != 2)
            throw status_error(options_.method, target_, head);
    }

    const std::shared_ptr<client::impl> web_;
    const url target_;
    const sink_options options_;
    std::optional<outgoing_body> body_; // once there was something to send
    std::vector<asio::const_buffer> parts_; // of one write
};

http_sink::http_sink(client& to, url target, sink_options options)
    : upload_(std::make_unique<upload>(client_access::of(to), std::move(target), std::move(options)))
{
}
http_sink::~http_sink() = default;

asio::awaitable<void> http_sink::write(std::span<chunk> chunks) { return upload_->write(chunks); }

std::optional<asio::awaitable<void>> http_sink::watch()
{
    if (!upload_->has_begun())
        return std::nullopt;
    return upload_->watch();
}

asio::awaitable<void> http_sink::finish()
{
    response_head got = co_await upload_->finish();
    answer_ = std::move(got);
}

} // namespace weir::http
