#include <weir/coding_source.hpp>

#include "streams/coder_input.hpp"
#include "streams/stream_coder.hpp"

#include <weir/detail/run_on.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <optional>

namespace weir {

namespace asio = boost::asio;

namespace codecs {
namespace {

constexpr std::size_t turn_bytes = std::size_t{128} << 10; // of output at a time

} // namespace

/// What a worker touches: it may still do so when the reader has gone, with its context.
struct source_turns {
    source_turns(worker_pool& on, stream_coder with) : workers(on), coder(std::move(with)) {}

    void work(std::span<std::byte> room)
    {
        const worker_pool::task_scope task(workers);
        filled = coder.turn(room);
    }

    worker_pool& workers;
    stream_coder coder;
    block_filler output;
    std::size_t filled = 0; ///< of the output's block, and not given yet
};

class source_core {
public:
    source_core(engine& owner, std::unique_ptr<source> from, stream_coder with, std::size_t buffer_bytes)
        : input_(owner, std::move(from), buffer_bytes),
          turns_(std::make_shared<source_turns>(owner.workers(), std::move(with)))
    {}

    asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes);
    asio::awaitable<void> close();
    [[nodiscard]] std::string_view name() const noexcept { return input_.name(); }
    [[nodiscard]] bytes take_unused() { return turns_ ? turns_->coder.take_unused() : bytes(); }

private:
    asio::awaitable<void> turn(std::span<std::byte> room);
    static asio::awaitable<void> turn_there(std::shared_ptr<source_turns> turns, std::span<std::byte> room);

    coder_input input_;
    std::shared_ptr<source_turns> turns_; ///< none once it is closed
};

asio::awaitable<bytes> source_core::read(reservation& memory, std::size_t max_bytes)
{
    if (!turns_)
        throw error(errc::closed, "read", name());
    source_turns& turns = *turns_;
    while (turns.filled == 0 && !turns.coder.ended()) {
        if (turns.coder.hungry()) {
            co_await input_.feed(turns.coder);
            continue;
        }
        const std::span<std::byte> spare = co_await turns.output.spare(memory);
        const std::size_t room = std::min(std::min(spare.size(), max_bytes), turn_bytes);
        co_await turn(spare.first(room));
    }
    // A call that was cancelled may have left more than this one wants.
    const std::size_t count = std::min(turns.filled, max_bytes);
    bytes out;
    if (count != 0)
        out.append(turns.output.commit(count));
    turns.filled -= count;
    co_return out;
}

asio::awaitable<void> source_core::turn(std::span<std::byte> room)
{
    if (!turns_->workers.executor().running_in_this_thread()) {
        co_await detail::run_on(turns_->workers.executor(), turn_there(turns_, room));
        co_return;
    }
    turns_->work(room);
    if (turns_->filled == 0 && !turns_->coder.hungry() && !turns_->coder.ended()) { // its time is up: others' turn
        const auto here = co_await asio::this_coro::executor;
        co_await asio::post(here, asio::use_awaitable);
    }
}

asio::awaitable<void> source_core::turn_there(std::shared_ptr<source_turns> turns, std::span<std::byte> room)
{
    turns->work(room);
    co_return;
}

asio::awaitable<void> source_core::close()
{
    turns_.reset();
    co_await input_.close();
}

} // namespace codecs

namespace {

std::unique_ptr<codecs::source_core> make_decoding_core(engine& owner, std::unique_ptr<source> input,
                                                        const decoding_options& options)
{
    codecs::stream_coder coder(options, std::string(input->name()));
    return std::make_unique<codecs::source_core>(owner, std::move(input), std::move(coder), options.buffer_bytes);
}

} // namespace

coding_source::coding_source(std::unique_ptr<codecs::source_core> core) noexcept : core_(std::move(core)) {}
coding_source::~coding_source() = default;

asio::awaitable<bytes> coding_source::read(reservation& memory, std::size_t max_bytes)
{
    return core_->read(memory, max_bytes);
}

std::string_view coding_source::name() const noexcept { return core_->name(); }
asio::awaitable<void> coding_source::close() { return core_->close(); }
bytes coding_source::take_rest() { return core_->take_unused(); }

encoding_source::encoding_source(engine& owner, std::unique_ptr<source> input, const encoding_options& options)
    : coding_source(std::make_unique<codecs::source_core>(owner, std::move(input), codecs::stream_coder(options),
                                                          options.buffer_bytes))
{}

decoding_source::decoding_source(engine& owner, std::unique_ptr<source> input, const decoding_options& options)
    : coding_source(make_decoding_core(owner, std::move(input), options))
{}

} // namespace weir
