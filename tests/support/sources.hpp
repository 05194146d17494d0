#pragma once
// Sources that behave as a test asks: sizes of reads, waits, errors.

#include <weir/error.hpp>
#include <weir/source.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <optional>
#include <random>
#include <vector>

namespace test {

/// Bytes of a seeded generator.
inline std::vector<std::byte> random_bytes(std::size_t size, std::uint64_t seed)
{
    std::mt19937_64 generator(seed);
    std::vector<std::byte> out(size);
    for (std::size_t i = 0; i < size; i += 8) {
        const std::uint64_t word = generator();
        std::memcpy(out.data() + i, &word, std::min<std::size_t>(8, size - i));
    }
    return out;
}

struct script {
    /// How many bytes the next read gives at the most; asked before each read. Null: as many as it may.
    std::function<std::size_t()> read_size;
    /// Reads that suspend (by a post to their executor) before they give bytes.
    std::function<bool()> suspends;
    /// At this offset the source throws EIO.
    std::optional<std::size_t> fails_at;
    /// A new block for each read, however little it gives: what a careless user's source does.
    bool wasteful = false;
};

/// Gives `content` as `how` says. The content outlives it.
class scripted_source final : public weir::source {
public:
    scripted_source(std::span<const std::byte> content, script how = {}, int* alive = nullptr)
        : content_(content), how_(std::move(how)), alive_(alive)
    {
        if (alive_)
            ++*alive_;
    }
    ~scripted_source() override
    {
        if (alive_)
            --*alive_;
    }

    boost::asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        namespace asio = boost::asio;
        if (how_.suspends && how_.suspends()) {
            const auto executor = co_await asio::this_coro::executor;
            co_await asio::post(executor, asio::use_awaitable);
        }
        if (how_.fails_at && position_ >= *how_.fails_at)
            throw weir::error(std::make_error_code(std::errc::io_error), "read", name(), position_);
        std::size_t wanted = std::min(max_bytes, content_.size() - position_);
        if (how_.read_size)
            wanted = std::min(wanted, std::max<std::size_t>(how_.read_size(), 1));
        if (how_.fails_at)
            wanted = std::min(wanted, *how_.fails_at - position_);
        weir::bytes out;
        if (wanted == 0)
            co_return out;
        if (how_.wasteful)
            filler_.reset();
        const std::span<std::byte> room = co_await filler_.spare(memory);
        const std::size_t count = std::min(wanted, room.size());
        std::copy_n(content_.data() + position_, count, room.data());
        position_ += count;
        out.append(filler_.commit(count));
        co_return out;
    }

    std::string_view name() const noexcept override { return "scripted"; }

private:
    std::span<const std::byte> content_;
    script how_;
    int* alive_;
    std::size_t position_ = 0;
    weir::block_filler filler_;
};

} // namespace test
