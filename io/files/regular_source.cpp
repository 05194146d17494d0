#include "files/regular_source.hpp"

#include "files/fault_injection.hpp"
#include "memory/zeros.hpp"

#include <weir/error.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>
#include <limits>

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

constexpr std::size_t read_bytes = std::size_t{256} << 10; // at a time; more does not fit the caches
// The kernel is asked for so much ahead, and again when half of it is used up: a disk that waits to be asked until
// there is a miss stands still meanwhile.
constexpr std::size_t read_ahead_bytes = std::size_t{8} << 20;
constexpr std::size_t cold_bytes = std::size_t{64} << 20; // behind a miss, where more of them are likely
constexpr std::size_t direct_alignment = 4096;
constexpr std::uint64_t unknown_end = std::numeric_limits<std::int64_t>::max();

// Reads what is in the page cache; -EAGAIN where the disk would have to be waited for.
long read_without_waiting(int descriptor, std::span<std::byte> memory, std::uint64_t offset) noexcept
{
    if (const auto fault = injected_read(descriptor, offset, memory.size())) {
        if (*fault <= 0)
            return *fault;
        memory = memory.first(std::min(memory.size(), static_cast<std::size_t>(*fault)));
    }
#if defined(RWF_NOWAIT)
    const iovec part{memory.data(), memory.size()};
    const auto got = ::preadv2(descriptor, &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
    return got < 0 ? -errno : static_cast<long>(got);
#else
    return -EOPNOTSUPP;
#endif
}

} // namespace

regular_source::regular_source(engine& owner, std::shared_ptr<const file_handle> file, std::string name,
                               const file_source_options& options, std::uint64_t start, bool direct)
    : executor_(owner.executor()), file_(std::move(file)), name_(std::move(name)), options_(options), direct_(direct),
      start_(start), position_(start), issued_(start), counters_(&find_threads(executor_).counters())
{
    options_.read_ahead_blocks = std::max<std::size_t>(options_.read_ahead_blocks, 1);
    if (options_.backend == backend::uring)
        (void)service(); // throws now rather than at the first miss
}

regular_source::regular_source(engine& owner, file_handle file, std::string name, const file_source_options& options,
                               std::uint64_t start, bool direct)
    : regular_source(owner, std::make_shared<const file_handle>(std::move(file)), std::move(name), options, start, direct)
{
    const file_info info = file_->info(name_);
    const bool sized = info.type == file_type::regular && info.size > 0;
    const off_t device_end = info.type == file_type::block_device ? ::lseek(file_->descriptor(), 0, SEEK_END) : 0;
    endless_ = !sized && device_end <= 0;
    end_ = sized ? info.size : endless_ ? unknown_end : static_cast<std::uint64_t>(device_end);
    entry_ = owner.resources().add({.kind = resource_kind::file, .name = name_, .bytes = info.size});
    if (sized && info.allocated_bytes < info.size)
        holes_.start(file_->descriptor());
    if (direct_ && start % direct_alignment != 0)
        stop_direct();
}

regular_source::regular_source(engine& owner, file_part part, std::string name, const file_source_options& options)
    : regular_source(owner, std::move(part.file), std::move(name), options, part.start, false)
{
    end_ = part.end;
    end_seen_ = true;
    if (part.has_holes)
        holes_.start(file_->descriptor());
}

std::optional<std::uint64_t> regular_source::size() const noexcept
{
    if (endless_)
        return std::nullopt;
    return end_ > start_ ? end_ - start_ : 0;
}

read_service& regular_source::service()
{
    if (!service_)
        service_ = &find_backend(executor_, options_.backend);
    return *service_;
}

// What was read before the failure is given first.
regular_source::step regular_source::fail(std::error_code code)
{
    failure_ = code;
    ended_ = true;
    return step::end;
}

asio::awaitable<bytes> regular_source::read(reservation& memory, std::size_t max_bytes)
{
    bytes out;
    while (out.size() < max_bytes) {
        const step next = advance(memory, max_bytes - out.size(), out);
        if (next == step::progress)
            continue;
        if (!out.empty() || next == step::end)
            break;
        if (next == step::needs_wait)
            co_await window_.wait();
        else
            block_ = co_await memory.async_take(asio::use_awaitable);
    }
    if (out.empty() && failure_)
        throw error(failure_, "read", name_, position_);
    co_return out;
}

asio::awaitable<void> regular_source::close()
{
    ended_ = true;
    block_ = buffer();
    window_.clear();
    while (!window_.all_done())
        co_await window_.wait();
}

regular_source::step regular_source::advance(reservation& memory, std::size_t room, bytes& out)
{
    if (ended_)
        return step::end;
    if (!window_.empty())
        return read_through_window(memory, room, out);
    if (position_ >= end_)
        return reach_end();
    if (const std::uint64_t hole = holes_.hole_at(position_, end_)) {
        give_zeros(hole, room, out);
        return step::progress;
    }
    if (may_read_cached())
        return read_cached(memory, room, out);
    return read_through_window(memory, room, out);
}

bool regular_source::take_block(reservation& memory)
{
    if (block_ && !block_.spare().empty())
        return true;
    block_ = buffer(); // first: it may be the one that the next is waiting for
    if (std::optional<buffer> next = memory.try_take())
        block_ = std::move(*next);
    return static_cast<bool>(block_);
}

void regular_source::give(buffer& block, std::size_t start, std::size_t count, bytes& out)
{
    out.append(block.freeze(start, count));
    position_ += count;
}

void regular_source::give_zeros(std::uint64_t count, std::size_t room, bytes& out)
{
    const std::size_t given = static_cast<std::size_t>(std::min<std::uint64_t>(count, room));
    append_zeros(given, out);
    position_ += given;
    issued_ = position_;
}

regular_source::step regular_source::read_cached(reservation& memory, std::size_t room, bytes& out)
{
    if (!take_block(memory))
        return step::needs_memory;
    const std::uint64_t until = holes_.data_end(end_);
    const std::size_t wanted = static_cast<std::size_t>(
        std::min<std::uint64_t>({block_.spare().size(), room, read_bytes, until - position_}));
    const long got = read_without_waiting(file_->descriptor(), block_.spare().first(wanted), position_);
    if (got > 0) {
        const std::size_t start = block_.size();
        block_.commit(static_cast<std::size_t>(got));
        give(block_, start, static_cast<std::size_t>(got), out);
        issued_ = position_;
        counters_->read_directly(static_cast<std::size_t>(got));
        advise_ahead();
        return step::progress;
    }
    if (got == 0)
        return reach_end();
    if (got == -EINTR)
        return step::progress;
    if (got == -EOPNOTSUPP || got == -EINVAL || got == -ENOSYS) {
        nowait_ = false;
        return step::progress;
    }
    if (got != -EAGAIN)
        return fail(std::error_code(static_cast<int>(-got), std::system_category()));
    return missed();
}

// One read by the back end; the kernel gets what follows meanwhile.
regular_source::step regular_source::missed()
{
    const std::uint64_t rest = holes_.data_end(end_) - position_;
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(block_.spare().size(), rest));
    window_.push(service(), file_, std::move(block_), position_, wanted, true);
    issued_ = position_ + wanted;
    cold_until_ = position_ + cold_bytes;
    advise_ahead();
    return step::needs_wait;
}

void regular_source::advise_ahead() noexcept
{
#if defined(POSIX_FADV_WILLNEED)
    if (endless_ || position_ >= cold_until_)
        return;
    const std::uint64_t until = std::min(position_ + read_ahead_bytes, holes_.data_end(end_));
    advised_ = std::max(advised_, issued_);
    if (advised_ >= until || advised_ - position_ > read_ahead_bytes / 2)
        return;
    ::posix_fadvise(file_->descriptor(), static_cast<off_t>(advised_), static_cast<off_t>(until - advised_),
                    POSIX_FADV_WILLNEED);
    advised_ = until;
#endif
}

// Keeps reads under way for as many blocks as are there; the order of the file is the order of the window.
void regular_source::fill_window(reservation& memory)
{
    if (may_read_cached())
        return;
    const std::size_t most = endless_ ? 1 : options_.read_ahead_blocks; // a guess beyond an unknown end is wasted
    while (window_.size() < most && issued_ < end_ && holes_.hole_at(issued_, end_) == 0) {
        if (!take_block(memory))
            return;
        const std::size_t room = block_.spare().size();
        // Direct reads are of whole aligned blocks, also where the file ends in one.
        const std::uint64_t until = direct_ ? unknown_end : holes_.data_end(end_);
        const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(room, until - issued_));
        window_.push(service(), file_, std::move(block_), issued_, wanted, !direct_);
        issued_ += wanted;
    }
}

regular_source::step regular_source::read_through_window(reservation& memory, std::size_t room, bytes& out)
{
    fill_window(memory);
    if (window_.empty())
        return step::needs_memory;
    window_piece& front = window_.front();
    if (!front.done.load(std::memory_order_acquire))
        return step::needs_wait;
    if (!front.booked)
        if (const step booked = book(front); booked != step::progress || window_.empty())
            return booked;
    const std::size_t count = std::min(room, front.memory.size() - front.given);
    give(front.memory, front.given, count, out);
    front.given += count;
    return front.given == front.memory.size() ? leave_front() : step::progress;
}

regular_source::step regular_source::book(window_piece& piece)
{
    if (piece.failure) {
        const std::error_code failure = piece.failure;
        const bool refused = direct_ && failure == std::errc::invalid_argument;
        window_.clear();
        issued_ = position_;
        if (!refused)
            return fail(failure);
        counters_->direct_refused.fetch_add(1, std::memory_order_relaxed);
        stop_direct();
        return step::progress;
    }
    piece.memory.commit(piece.count);
    piece.booked = true;
    return piece.count > 0 ? step::progress : leave_front();
}

// All of the first piece is given. What follows it in the window is in its place only if the read was not short.
regular_source::step regular_source::leave_front()
{
    window_piece& front = window_.front();
    const bool complete = front.count == front.wanted;
    const bool nothing = front.count == 0;
    block_ = std::move(front.memory); // its spare part, if any, is filled next
    if (complete) {
        window_.pop_front();
        return step::progress;
    }
    window_.clear();
    issued_ = position_;
    if (direct_ && position_ % direct_alignment != 0)
        stop_direct();
    return nothing ? reach_end() : step::progress;
}

// The end of what was known, or a read that found nothing.
regular_source::step regular_source::reach_end()
{
    if (end_seen_ && position_ >= end_) {
        ended_ = true;
        return step::end;
    }
    const file_info now = file_->info(name_);
    if (now.type == file_type::regular && !endless_) {
        if (now.size < end_ && (position_ < end_ || now.size < position_))
            return fail(errc::file_shrank);
        // Truncated and written anew meanwhile, or one of the files of /sys, which claim a page and have less.
        if (position_ < end_ && !std::exchange(end_doubted_, true))
            return step::progress;
        if (position_ >= end_ && now.size > position_ && !std::exchange(end_seen_, true)) {
            end_ = now.size;
            return step::progress;
        }
    }
    ended_ = true;
    return step::end;
}

void regular_source::stop_direct()
{
    direct_ = false;
#if defined(O_DIRECT)
    const int flags = ::fcntl(file_->descriptor(), F_GETFL);
    ::fcntl(file_->descriptor(), F_SETFL, flags & ~O_DIRECT);
#endif
}

} // namespace weir::detail
