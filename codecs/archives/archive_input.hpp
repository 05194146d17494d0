#pragma once
// The bytes of an archive's input in order, read in whole blocks of its own memory.
//
// An archive waits for no memory of anybody's: between two entries its consumer may wait for a reservation of all that
// the engine has, and may keep what it got of the entries before. So the blocks are of a pool of its own, and one of
// them is always here to go on with: contents are lent as slices while others are free, and copied when none is.

#include "streams/coding_memory.hpp"

#include <weir/archive.hpp>
#include <weir/bytes.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace weir::codecs {

class archive_input {
public:
    /// \param places  where the same bytes can be had from any place on; null where they cannot
    explicit archive_input(std::unique_ptr<source> from, std::shared_ptr<random_access_input> places = nullptr) noexcept
        : from_(std::move(from)), places_(std::move(places))
    {}

    [[nodiscard]] std::string_view name() const noexcept { return from_->name(); }
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; } ///< of the next byte
    /// What was read and not taken.
    [[nodiscard]] const bytes& at_hand() const noexcept { return at_hand_; }

    /// Reads more where nothing is at hand.
    /// \returns  whether something is; not at the input's end
    /// \throws weir::error  what the input reports
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost.
    [[nodiscard]] boost::asio::awaitable<bool> fill();

    /// Appends to `target`, up to `size` bytes in all, or to the input's end. Cancellation as `fill`, with `target`.
    /// \returns  whether `target` has `size` bytes
    [[nodiscard]] boost::asio::awaitable<bool> gather(std::vector<std::byte>& target, std::size_t size);

    /// Passes over `count` bytes, counting it down, or up to the input's end; long ways by a jump where that is
    /// possible. Cancellation as `fill`.
    [[nodiscard]] boost::asio::awaitable<void> skip(std::uint64_t& count);

    /// The next bytes at hand: lent while another block is free, else copied into `target`, with blocks of `memory`.
    /// \pre something is at hand; `max_bytes` > 0
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost.
    [[nodiscard]] boost::asio::awaitable<bytes> take(block_filler& target, reservation& memory, std::size_t max_bytes);

    /// What was taken, or gathered, and not used comes first again.
    void put_back(bytes unused);

    /// Gives the memory back, and closes the input.
    [[nodiscard]] boost::asio::awaitable<void> close();

private:
    [[nodiscard]] bytes take_at_hand(std::size_t count);
    [[nodiscard]] boost::asio::awaitable<void> jump(std::uint64_t& count);

    std::unique_ptr<source> from_;
    const std::shared_ptr<random_access_input> places_;
    std::optional<coding_memory> memory_;
    bytes at_hand_;
    std::uint64_t position_ = 0;
};

} // namespace weir::codecs
