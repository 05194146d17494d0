#include "block_io.hpp"

#include "output.hpp"

#include <weir/error.hpp>
#include <weir/size.hpp>

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace tool {
namespace {

using namespace weir::literals;

constexpr std::size_t block_bytes = 512_KiB;

} // namespace

bool is_worth_another(int descriptor, short event) noexcept
{
    if (errno == EAGAIN) {
        pollfd wait{descriptor, event, 0};
        return ::poll(&wait, 1, -1) >= 0 || errno == EINTR;
    }
    return errno == EINTR;
}

std::size_t block_reader::read_some(std::span<std::byte> room)
{
    for (;;) {
        const ssize_t count = ::read(descriptor_, room.data(), room.size());
        if (count >= 0)
            return static_cast<std::size_t>(count);
        if (!is_worth_another(descriptor_, POLLIN))
            weir::throw_system_error(errno, "read", name_, position_);
    }
}

std::span<const std::byte> block_reader::read(std::span<std::byte> room, std::size_t least)
{
    std::size_t filled = 0;
    while (filled < least) {
        const std::size_t count = read_some(room.subspan(filled));
        if (count == 0)
            break;
        filled += count;
        position_ += count;
    }
    return room.first(filled);
}

void block_reader::append_to(std::vector<std::byte>& target, std::size_t most)
{
    constexpr std::size_t step = std::size_t{128} << 10;
    while (most != 0) {
        const std::size_t start = target.size();
        const std::size_t wanted = std::min(most, step);
        target.resize(start + wanted);
        const std::size_t got = read(std::span(target).subspan(start), wanted).size();
        target.resize(start + got);
        most -= got;
        if (got < wanted)
            return;
    }
}

block_writer::block_writer(int descriptor, std::string name) : name_(std::move(name)), descriptor_(descriptor) {}

block_writer::~block_writer()
{
    if (!writer_.joinable())
        return;
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    changed_.notify_all();
    writer_.join();
}

std::span<std::byte> block_writer::room()
{
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return queued_ < block_count; });
    check();
    block& next = filling();
    if (!next.memory)
        next.memory = std::make_unique_for_overwrite<std::byte[]>(block_bytes);
    return std::span(next.memory.get(), block_bytes).subspan(next.size);
}

void block_writer::commit(std::size_t count)
{
    if (descriptor_ == nowhere)
        return;
    block& written = filling();
    written.size += count;
    if (written.size == block_bytes)
        hand_over();
}

void block_writer::write(std::span<const std::byte> bytes)
{
    while (!bytes.empty()) {
        const std::span<std::byte> free = room();
        const std::size_t count = std::min(bytes.size(), free.size());
        std::ranges::copy(bytes.first(count), free.begin());
        commit(count);
        bytes = bytes.subspan(count);
    }
}

void block_writer::flush()
{
    if (room().size() != block_bytes)
        hand_over();
}

void block_writer::hand_over()
{
    if (!has_writer()) {
        failure_ = write(filling());
        filling().size = 0;
        check();
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        ++queued_;
        filling_ = (filling_ + 1) % block_count;
    }
    changed_.notify_all();
}

/// There may be no more threads: then this one writes what is full.
bool block_writer::has_writer()
{
    try {
        if (!writer_.joinable())
            writer_ = std::thread(&block_writer::write_queued, this);
        return true;
    }
    catch (const std::system_error&) {
        return false;
    }
}

void block_writer::finish()
{
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return queued_ == 0; });
    if (!failure_)
        failure_ = write(filling());
    filling().size = 0;
    check();
}

void block_writer::write_queued()
{
    std::unique_lock lock(mutex_);
    for (std::size_t first = 0;; first = (first + 1) % block_count) {
        changed_.wait(lock, [&] { return queued_ != 0 || ended_; });
        if (queued_ == 0)
            return;
        block& next = blocks_[first];
        if (!failure_) {
            lock.unlock();
            const std::error_code failure = write(next);
            lock.lock();
            failure_ = failure;
        }
        next.size = 0;
        --queued_;
        changed_.notify_all();
    }
}

std::error_code block_writer::write(const block& full) const noexcept
{
    for (std::size_t at = 0; at < full.size;) {
        const ssize_t count = ::write(descriptor_, full.memory.get() + at, full.size - at);
        if (count >= 0)
            at += static_cast<std::size_t>(count);
        else if (!is_worth_another(descriptor_, POLLOUT))
            return {errno, std::system_category()};
    }
    return {};
}

void block_writer::check() const
{
    if (failure_)
        throw output_error(failure_, "write", name_);
}

} // namespace tool
