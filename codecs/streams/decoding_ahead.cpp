#include "streams/decoding_ahead.hpp"

#include "flow/fair_turns.hpp"
#include "flow/read_pump.hpp"
#include "streams/coder_input.hpp"
#include "streams/stream_coder.hpp"

#include <weir/engine.hpp>
#include <weir/worker_pool.hpp>

#include <string>
#include <utility>

namespace weir::codecs {

namespace asio = boost::asio;

namespace {

/// The decoder as a stream that a pump reads.
class decoded_stream final : public detail::stream_reader {
public:
    decoded_stream(engine& owner, std::unique_ptr<source> input, const decoding_options& options)
        : workers_(owner.workers()),
          coder_(options, std::string(input->name())),
          input_(owner, std::move(input), options.buffer_bytes)
    {}

    asio::any_io_executor executor() override { return workers_.executor(); }

    asio::awaitable<detail::transfer> read_some(std::span<std::byte> into) override
    {
        std::size_t filled = 0;
        while (filled == 0 && !coder_.ended()) {
            if (turns_.is_over()) // a pump reads on as long as it has room
                co_await turns_.give_way();
            if (coder_.hungry())
                co_await input_.feed(coder_);
            else
                filled = turn(into);
        }
        co_return detail::transfer{{}, filled, coder_.ended()};
    }

    /// Once nothing reads any more.
    [[nodiscard]] asio::awaitable<void> close() { return input_.close(); }

private:
    std::size_t turn(std::span<std::byte> room)
    {
        const worker_pool::task_scope task(workers_);
        return coder_.turn(room);
    }

    worker_pool& workers_;
    stream_coder coder_;
    coder_input input_;
    detail::fair_turns turns_;
};

class decoding_ahead final : public source {
public:
    explicit decoding_ahead(std::unique_ptr<decoded_stream> stream, std::string name)
        : stream_(*stream), pump_(std::make_shared<detail::read_pump>(std::move(stream), std::move(name)))
    {}
    ~decoding_ahead() override { detail::read_pump::stop(pump_); }

    asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override
    {
        return detail::read_pump::read(pump_, memory, max_bytes);
    }
    std::size_t read_ahead_blocks() const noexcept override { return 1; }
    std::string_view name() const noexcept override { return pump_->name(); }
    asio::awaitable<void> close() override
    {
        co_await detail::read_pump::close(pump_);
        co_await stream_.close();
    }

private:
    decoded_stream& stream_; ///< the pump's
    const std::shared_ptr<detail::read_pump> pump_;
};

} // namespace

std::unique_ptr<source> decode_ahead(engine& owner, std::unique_ptr<source> input, const decoding_options& options)
{
    std::string name(input->name());
    auto stream = std::make_unique<decoded_stream>(owner, std::move(input), options);
    return std::make_unique<decoding_ahead>(std::move(stream), std::move(name));
}

} // namespace weir::codecs
