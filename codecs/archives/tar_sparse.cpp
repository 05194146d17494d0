#include "archives/tar_sparse.hpp"

#include "archives/tar_number.hpp"

#include <algorithm>
#include <limits>

namespace weir::codecs::tar {

void sparse_map::add(std::optional<std::uint64_t> number)
{
    if (!number)
        state_ = state::malformed;
    else if (!offset_)
        offset_ = number;
    else if (extents_.size() == max_extents)
        state_ = state::too_long;
    else {
        extents_.push_back({*offset_, *number});
        offset_.reset();
    }
}

void sparse_map::add_list(std::string_view numbers)
{
    while (!numbers.empty()) {
        const std::size_t end = std::min(numbers.find(','), numbers.size());
        add(decimal(numbers.substr(0, end)));
        numbers.remove_prefix(std::min(end + 1, numbers.size()));
    }
}

void sparse_map::clear() noexcept
{
    extents_.clear();
    offset_.reset();
    state_ = state::good;
}

bool sparse_map::fits(std::uint64_t file_bytes, std::uint64_t stored_bytes) const noexcept
{
    std::uint64_t end = 0;
    std::uint64_t sum = 0;
    for (const extent& each : extents_) {
        if (each.offset < end || each.offset > file_bytes || each.bytes > file_bytes - each.offset)
            return false;
        end = each.offset + each.bytes;
        sum += each.bytes;
    }
    return !offset_ && sum == stored_bytes;
}

bool old_sparse_area::read(block from, sparse_map& into) const
{
    constexpr std::size_t number_bytes = 12;
    const auto add = [&](std::size_t where) {
        const std::optional<std::int64_t> value = number(from, {where, number_bytes});
        into.add(value && *value >= 0 ? std::optional<std::uint64_t>(*value) : std::nullopt);
    };
    for (std::size_t i = 0; i < extents; ++i) {
        const std::size_t where = offset + i * 2 * number_bytes;
        if (from[where + number_bytes] == std::byte{0})
            break; // no number at all: the list has ended
        add(where);
        add(where + number_bytes);
    }
    return from[continues] != std::byte{0};
}

bool sparse_map_reader::read(block from, sparse_map& into)
{
    for (const std::byte each : from) {
        const char character = static_cast<char>(each);
        if (character == '\n') {
            if (take_line(into))
                return true;
        }
        else if (!append_digit(value_, character)) {
            into.add(std::nullopt);
            return true;
        }
        else
            ++digits_;
    }
    return into.condition() != sparse_map::state::good;
}

bool sparse_map_reader::take_line(sparse_map& into)
{
    if (digits_ == 0 || (!numbers_left_ && value_ > std::numeric_limits<std::uint64_t>::max() / 2))
        into.add(std::nullopt);
    else if (!numbers_left_)
        numbers_left_ = value_ * 2;
    else {
        into.add(value_);
        --*numbers_left_;
    }
    value_ = 0;
    digits_ = 0;
    return numbers_left_ == 0u || into.condition() != sparse_map::state::good;
}

void sparse_cursor::start(std::span<const extent> extents, std::uint64_t file_bytes) noexcept
{
    extents_ = extents;
    position_ = 0;
    file_bytes_ = file_bytes;
    drop_past();
}

std::uint64_t sparse_cursor::hole() const noexcept
{
    return (extents_.empty() ? file_bytes_ : std::max(extents_.front().offset, position_)) - position_;
}

std::uint64_t sparse_cursor::data() const noexcept
{
    if (extents_.empty() || position_ < extents_.front().offset)
        return 0;
    return extents_.front().offset + extents_.front().bytes - position_;
}

void sparse_cursor::advance(std::uint64_t count) noexcept
{
    position_ += count;
    drop_past();
}

void sparse_cursor::drop_past() noexcept
{
    while (!extents_.empty() && position_ >= extents_.front().offset + extents_.front().bytes)
        extents_ = extents_.subspan(1);
}

} // namespace weir::codecs::tar
