#pragma once
// An input that is looked at before it is read.

#include <weir/bytes.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace weir::codecs {

/// Gives what its input does, from the beginning on, whatever was seen of that before.
class peeked_source final : public source {
public:
    explicit peeked_source(std::unique_ptr<source> input) noexcept : input_(std::move(input)) {}

    /// Waits for the first `count` bytes, or for all there are. May be called again for more.
    /// \pre nothing was read
    /// \returns  valid until the next call of anything
    /// \throws  what the input's `read` does
    /// \par Cancellation
    /// terminal, partial, total: as the input's.
    [[nodiscard]] boost::asio::awaitable<std::span<const std::byte>> look(std::size_t count);

    [[nodiscard]] boost::asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override;
    [[nodiscard]] std::optional<std::uint64_t> size() const noexcept override { return input_->size(); }
    [[nodiscard]] std::size_t read_ahead_blocks() const noexcept override { return input_->read_ahead_blocks(); }
    [[nodiscard]] std::string_view name() const noexcept override { return input_->name(); }
    [[nodiscard]] boost::asio::awaitable<void> close() override;

private:
    [[nodiscard]] boost::asio::awaitable<bytes> read_seen(std::size_t max_bytes);

    const std::unique_ptr<source> input_;
    std::vector<std::byte> seen_;
    bool ended_ = false; ///< there is nothing behind `seen_`
    bytes unread_;       ///< of `seen_`, once somebody reads
};

/// Waits for as much as `detect_codec` wants to see, or for all there is.
/// \pre, \returns, \throws, \par Cancellation  as `peeked_source::look`
[[nodiscard]] boost::asio::awaitable<std::span<const std::byte>> look_for_codec(peeked_source& input);

} // namespace weir::codecs
