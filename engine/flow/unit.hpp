#pragma once
// A run of chunks that is digested together, and then handed to the consumer together.

#include <weir/chunk.hpp>
#include <weir/multi_hasher.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <span>
#include <utility>
#include <vector>

namespace weir::detail {

/// Filled by the cut, digested by a worker, read by the consumer, then filled again. What it has allocated once it
/// keeps, so that a stream in its steady state allocates nothing.
class unit {
public:
    explicit unit(hash_algorithm hash) : hasher_(hash) {}

    /// Takes `content` and leaves an empty one with capacity behind.
    void add(std::uint64_t offset, bytes& content)
    {
        if (count_ == chunks_.size())
            chunks_.emplace_back();
        chunk& next = chunks_[count_++];
        next.offset = offset;
        size_ += content.size();
        std::swap(next.content, content);
    }

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; } ///< in bytes
    [[nodiscard]] std::span<chunk> chunks() noexcept { return {chunks_.data(), count_}; }

    /// Works on about `max_bytes`; true when all digests are there.
    [[nodiscard]] bool digest(std::size_t max_bytes)
    {
        if (!started_)
            start();
        return hasher_.run(max_bytes);
    }

    /// Drops the chunks, and so their blocks.
    void clear() noexcept
    {
        for (chunk& each : chunks())
            each.content.clear();
        count_ = 0;
        size_ = 0;
        started_ = false;
        digested = false;
        failure = nullptr;
    }

    [[nodiscard]] const multi_hasher& hasher() const noexcept { return hasher_; }

    std::chrono::steady_clock::time_point posted; ///< to the workers, for its next turn
    bool digested = false;
    std::exception_ptr failure; ///< why the digests could not be made

private:
    void start()
    {
        messages_.clear();
        for (chunk& each : chunks())
            messages_.push_back({each.content.slices(), each.size(), &each.digest});
        hasher_.start(messages_);
        started_ = true;
    }

    std::vector<chunk> chunks_; ///< the first `count_` are in use
    std::size_t count_ = 0;
    std::size_t size_ = 0;
    std::vector<multi_hasher::message> messages_;
    multi_hasher hasher_;
    bool started_ = false;
};

} // namespace weir::detail
