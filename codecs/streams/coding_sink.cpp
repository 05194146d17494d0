#include <weir/coding_sink.hpp>

#include "streams/coding_memory.hpp"
#include "streams/stream_coder.hpp"

#include <weir/detail/run_on.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <optional>
#include <utility>

namespace weir {

namespace asio = boost::asio;

namespace codecs {

class sink_core {
public:
    sink_core(engine& owner, sink& target, stream_coder with, std::size_t buffer_bytes)
        : workers_(owner.workers()), target_(target), coder_(std::move(with)), memory_(owner, buffer_bytes)
    {}

    static asio::awaitable<void> write(std::shared_ptr<sink_core> self, std::span<chunk> chunks);
    [[nodiscard]] std::optional<asio::awaitable<void>> watch() { return target_.watch(); }
    static asio::awaitable<void> finish(std::shared_ptr<sink_core> self);

private:
    void begin_call(const char* operation);
    static asio::awaitable<void> drain(const std::shared_ptr<sink_core>& self);
    static asio::awaitable<void> turn_there(std::shared_ptr<sink_core> self);
    asio::awaitable<void> pass_on();

    worker_pool& workers_;
    sink& target_;
    stream_coder coder_;
    coding_memory memory_;
    buffer block_;             ///< that is filled
    std::uint64_t position_ = 0; ///< of its start in the stream of the target
    bool failed_ = false;      ///< or a call is under way
};

// Until the call has ended well, no later one can.
void sink_core::begin_call(const char* operation)
{
    if (std::exchange(failed_, true))
        throw error(errc::closed, operation, "coding sink");
}

asio::awaitable<void> sink_core::write(std::shared_ptr<sink_core> self, std::span<chunk> chunks)
{
    self->begin_call("write");
    for (const chunk& each : chunks)
        if (!each.content.empty())
            self->coder_.give(each.content);
    co_await drain(self);
    self->failed_ = false;
}

asio::awaitable<void> sink_core::finish(std::shared_ptr<sink_core> self)
{
    self->begin_call("finish");
    self->coder_.finish();
    co_await drain(self);
    if (!self->block_.empty())
        co_await self->pass_on();
    co_await self->target_.finish();
    self->failed_ = false;
}

asio::awaitable<void> sink_core::drain(const std::shared_ptr<sink_core>& self)
{
    sink_core& core = *self;
    while (!core.coder_.hungry() && !core.coder_.ended()) {
        if (!core.block_)
            core.block_ = co_await core.memory_.blocks().async_take(asio::use_awaitable);
        co_await detail::run_on(core.workers_.executor(), turn_there(self));
        if (core.block_.spare().empty())
            co_await core.pass_on();
    }
}

asio::awaitable<void> sink_core::turn_there(std::shared_ptr<sink_core> self)
{
    const worker_pool::task_scope task(self->workers_);
    self->block_.commit(self->coder_.turn(self->block_.spare()));
    co_return;
}

asio::awaitable<void> sink_core::pass_on()
{
    chunk out;
    out.offset = position_;
    out.content = bytes(std::move(block_).freeze());
    position_ += out.content.size();
    const std::span<chunk> only(&out, 1);
    co_await target_.write(only);
}

} // namespace codecs

coding_sink::coding_sink(std::shared_ptr<codecs::sink_core> core) noexcept : core_(std::move(core)) {}
coding_sink::~coding_sink() = default;

asio::awaitable<void> coding_sink::write(std::span<chunk> chunks) { return codecs::sink_core::write(core_, chunks); }
std::optional<asio::awaitable<void>> coding_sink::watch() { return core_->watch(); }
asio::awaitable<void> coding_sink::finish() { return codecs::sink_core::finish(core_); }

encoding_sink::encoding_sink(engine& owner, sink& target, const encoding_options& options)
    : coding_sink(std::make_shared<codecs::sink_core>(owner, target, codecs::stream_coder(options),
                                                       options.buffer_bytes))
{}

decoding_sink::decoding_sink(engine& owner, sink& target, const decoding_options& options, std::string name)
    : coding_sink(std::make_shared<codecs::sink_core>(owner, target, codecs::stream_coder(options, std::move(name)),
                                                       options.buffer_bytes))
{}

} // namespace weir
