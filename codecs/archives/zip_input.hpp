#pragma once
// A source taken record by record, whatever the sizes of its reads.

#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace weir::codecs {

/// Cancelled in any call, it has lost nothing: the same call goes on.
class zip_input {
public:
    explicit zip_input(std::unique_ptr<source> from) noexcept : from_(std::move(from)) {}

    /// The next `count` bytes in one piece, fewer where the source ends; they stay until the next call. What lies in
    /// several blocks is copied together, so that no block is held while it waits for another.
    [[nodiscard]] boost::asio::awaitable<std::span<const std::byte>> peek(reservation& memory, std::size_t count);

    /// Passes over bytes that were peeked at.
    void consume(std::size_t count);

    /// Up to `max_bytes` as they lie: of what was read already, else read into `memory`. Empty at the end.
    [[nodiscard]] boost::asio::awaitable<bytes> take(reservation& memory, std::size_t max_bytes);

    [[nodiscard]] std::uint64_t position() const noexcept { return position_; } ///< bytes that are passed
    [[nodiscard]] boost::asio::awaitable<void> close();

private:
    std::unique_ptr<source> from_;
    std::vector<std::byte> copied_; ///< comes before `piece_`
    bytes piece_;
    std::uint64_t position_ = 0;
};

} // namespace weir::codecs
