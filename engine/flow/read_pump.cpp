#include "flow/read_pump.hpp"

#include <weir/detail/run_on.hpp>
#include <weir/error.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

// Empty ones at hand: room for what comes while all workers are in a turn. More would cost more cache than they win.
constexpr std::size_t most_blocks = 4;
// More only if they are the stream's own: its peer may be silent for long, while others wait for memory.
constexpr std::size_t enough_blocks = 2;

} // namespace

// One run of the pump. However it ends, also with a frame that is destroyed: the reader hears of it.
class read_pump::under_way {
public:
    explicit under_way(std::shared_ptr<read_pump> of) noexcept : of_(std::move(of)) {}
    under_way(under_way&&) noexcept = default;
    under_way& operator=(under_way&&) = delete;
    ~under_way()
    {
        if (of_)
            of_->end_run(errc::closed); // the stream's executor is gone
    }
    read_pump* operator->() const noexcept { return of_.get(); }
    void end() noexcept { std::exchange(of_, nullptr)->end_run({}); }

private:
    std::shared_ptr<read_pump> of_;
};

read_pump::read_pump(std::unique_ptr<stream_reader> stream, std::string name)
    : stream_(std::move(stream)), name_(std::move(name))
{}

read_pump::~read_pump() = default;

// The reader's side.

asio::awaitable<bytes> read_pump::read(std::shared_ptr<read_pump> self, reservation& memory, std::size_t max_bytes)
{
    for (;;) {
        self->progress_.reset(); // before every look: what is set after it is not lost
        self->bring_what_is_free(memory);
        start_if_possible(self);
        bool ended = false;
        bytes got = self->take(max_bytes, ended);
        if (!got.empty() || ended)
            co_return got;
        if (self->needs_block()) {
            buffer block = co_await memory.async_take(asio::use_awaitable);
            self->bring(std::move(block));
        }
        else {
            co_await self->progress_.async_wait(asio::use_awaitable);
        }
    }
}

asio::awaitable<void> read_pump::close(std::shared_ptr<read_pump> self)
{
    stop(self);
    for (;;) {
        self->stopped_.reset();
        if (!self->running())
            break;
        co_await self->stopped_.async_wait(asio::use_awaitable);
    }
    self->drop_memory();
}

void read_pump::stop(const std::shared_ptr<read_pump>& self)
{
    const std::lock_guard lock(self->mutex_);
    self->closed_ = true;
    if (self->child_)
        child_control::cancel(self->child_, asio::cancellation_type::terminal);
}

void read_pump::bring_what_is_free(reservation& memory)
{
    for (std::size_t there = blocks_at_hand(); there < most_blocks; ++there) {
        std::optional<buffer> free = there < enough_blocks ? memory.try_take() : memory.try_take_own();
        if (!free)
            break;
        bring(std::move(*free));
    }
}

void read_pump::bring(buffer block)
{
    const std::lock_guard lock(mutex_);
    if (current_)
        next_.push_back(std::move(block));
    else
        current_ = std::move(block);
}

/// All that there may be where none is of use any more.
std::size_t read_pump::blocks_at_hand()
{
    const std::lock_guard lock(mutex_);
    return ended_ || closed_ ? most_blocks : next_.size() + (current_ ? 1 : 0);
}

/// Looked at after `take`: what came since is to be taken first, for it may be all the memory there is.
bool read_pump::needs_block()
{
    const std::lock_guard lock(mutex_);
    return !current_ && ready_.empty() && !ended_ && !closed_;
}

void read_pump::start_if_possible(const std::shared_ptr<read_pump>& self)
{
    std::shared_ptr<child_control> child;
    {
        const std::lock_guard lock(self->mutex_);
        if (self->child_ || self->ended_ || self->closed_ || !self->current_)
            return;
        child = std::make_shared<child_control>(self->stream_->executor());
        self->child_ = child;
    }
    async_run_child(std::move(child), run(under_way(self)), [](const result<void>&) {});
}

/// What there is; `ended` where nothing is there and nothing will come. One look: the end comes after all bytes.
/// \throws what ended the stream
bytes read_pump::take(std::size_t max_bytes, bool& ended)
{
    const std::lock_guard lock(mutex_);
    bytes got = ready_.take_front(std::min(max_bytes, ready_.size()));
    if (!got.empty())
        return got;
    if (closed_)
        throw error(errc::closed, "read", name_, position_);
    if (broken_)
        std::rethrow_exception(broken_);
    if (failed_)
        throw error(failed_, "read", name_, position_);
    ended = ended_;
    return got;
}

bool read_pump::running()
{
    const std::lock_guard lock(mutex_);
    return child_ != nullptr;
}

void read_pump::drop_memory()
{
    const std::lock_guard lock(mutex_);
    ready_.clear();
    current_ = buffer();
    next_.clear();
}

// The stream's side.

asio::awaitable<void> read_pump::run(under_way mine)
{
    for (;;) {
        const std::span<std::byte> room = mine->room();
        if (room.empty())
            break;
        transfer read;
        try {
            read = co_await mine->stream_->read_some(room);
        }
        catch (...) {
            mine->give_up(std::current_exception());
            break;
        }
        if (!mine->commit(read))
            break;
    }
    mine.end();
}

void read_pump::end_run(std::error_code failed) noexcept
{
    {
        const std::lock_guard lock(mutex_);
        child_.reset();
        if (failed) {
            failed_ = failed;
            ended_ = true;
        }
    }
    stopped_.set();
    progress_.set();
}

// Empty: nothing to read into. The block stays where it is until the read into it has ended.
std::span<std::byte> read_pump::room()
{
    const std::lock_guard lock(mutex_);
    return closed_ ? std::span<std::byte>() : current_.spare();
}

bool read_pump::commit(const transfer& read)
{
    {
        const std::lock_guard lock(mutex_);
        if (read.bytes != 0)
            append(read.bytes);
        if (read.failed && !closed_)
            failed_ = read.failed;
        ended_ = read.ended || read.failed;
    }
    progress_.set();
    return !read.ended && !read.failed;
}

void read_pump::give_up(std::exception_ptr cause)
{
    const std::lock_guard lock(mutex_);
    if (!closed_)
        broken_ = std::move(cause);
    ended_ = true;
}

void read_pump::append(std::size_t count)
{
    const std::size_t start = current_.size();
    current_.commit(count);
    ready_.append(current_.freeze(start, count));
    position_ += count;
    if (current_.spare().empty()) // given up at once: it may be the one that the reader waits for
        current_ = take_next();
}

buffer read_pump::take_next()
{
    if (next_.empty())
        return buffer();
    buffer out = std::move(next_.back());
    next_.pop_back();
    return out;
}

} // namespace weir::detail
