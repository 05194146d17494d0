#pragma once
// What the fuzzers of archives share: an input in pieces, and all that came of it as one text.

#include "input.hpp"

#include <weir/archive.hpp>
#include <weir/reservation.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <system_error>

namespace fuzz {

namespace asio = boost::asio;

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 20; ///< of an entry

/// Pieces of so many bytes, in one block after the other.
class pieces_source final : public weir::source {
public:
    pieces_source(std::span<const std::byte> content, std::size_t piece) : rest_(content), piece_(piece) {}

    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        weir::bytes out;
        if (rest_.empty())
            co_return out;
        const std::span<std::byte> room = co_await filler_.spare(memory);
        const std::size_t count = std::min({room.size(), max_bytes, piece_, rest_.size()});
        std::memcpy(room.data(), rest_.data(), count);
        rest_ = rest_.subspan(count);
        out.append(filler_.commit(count));
        co_return out;
    }
    std::string_view name() const noexcept override { return "input"; }

private:
    std::span<const std::byte> rest_;
    const std::size_t piece_;
    weir::block_filler filler_;
};

struct outcome {
    std::string told; ///< names, contents, and why some have none
    std::error_code ended;

    friend bool operator==(const outcome&, const outcome&) = default;
};

inline asio::awaitable<void> read_content(weir::archive& from, const weir::archive_entry& entry,
                                          weir::reservation& memory, std::size_t piece, std::string& out)
{
    const std::unique_ptr<weir::source> content = from.open(entry);
    const std::size_t before = out.size();
    for (;;) {
        const weir::bytes next = co_await content->read(memory, piece);
        if (next.empty())
            break;
        require(next.size() <= piece);
        for (const weir::slice& each : next)
            out.append(reinterpret_cast<const char*>(each.data()), each.size());
    }
    require(!entry.size || out.size() - before == *entry.size);
}

} // namespace fuzz
