// Any bytes are a tar archive or refused, with the same entries, contents and outcome however they are cut. Checksums
// are made to fit, where the first byte says so: else nearly all that is tried would end at one.

#include "input.hpp"

#include "archives/tar_archive.hpp"
#include "archives/tar_block.hpp"

#include <weir/buffer_pool.hpp>
#include <weir/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace asio = boost::asio;

namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 20;

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

private:
    std::span<const std::byte> rest_;
    const std::size_t piece_;
    weir::block_filler filler_;
};

/// All that came, as one text.
struct outcome {
    std::string told;
    std::error_code ended;

    friend bool operator==(const outcome&, const outcome&) = default;
};

asio::awaitable<void> read_content(weir::archive& from, const weir::archive_entry& entry, weir::reservation& memory,
                                   std::size_t piece, std::string& out)
{
    const std::unique_ptr<weir::source> content = from.open(entry);
    const std::size_t before = out.size();
    for (;;) {
        const weir::bytes next = co_await content->read(memory, piece);
        if (next.empty())
            break;
        fuzz::require(next.size() <= piece);
        for (const weir::slice& each : next)
            out.append(reinterpret_cast<const char*>(each.data()), each.size());
    }
    fuzz::require(out.size() - before == entry.size);
}

asio::awaitable<void> read_all(weir::archive& from, weir::reservation& memory, std::size_t piece, std::string& out)
{
    while (const std::optional<weir::archive_entry> next = co_await from.next()) {
        fuzz::require(next->name.find('\0') == next->name.npos && next->size);
        out += "\n" + next->name + "\n" + next->link_target + "\n" + std::to_string(*next->size) + "\n";
        if (!next->refusal)
            co_await read_content(from, *next, memory, piece, out);
    }
}

outcome read(std::span<const std::byte> input, std::size_t piece)
{
    static asio::io_context context;
    static weir::buffer_pool pool({.tiers = {{64 << 10, 2}}, .max_bytes = 256 << 10});
    weir::archive_options options;
    options.limits = {.max_entry_bytes = most_bytes, .max_entries = 1000};
    outcome out;
    {
        weir::reservation memory = pool.try_reserve(2, 64 << 10).value();
        const auto archive = weir::codecs::make_tar_archive(std::make_unique<pieces_source>(input, piece), options);
        std::exception_ptr failure;
        asio::co_spawn(context, read_all(*archive, memory, piece, out.told),
                       [&](std::exception_ptr thrown) { failure = std::move(thrown); });
        context.restart();
        context.run();
        if (failure)
            out.ended = weir::code_of(failure);
    }
    fuzz::require(out.ended != weir::errc::internal && pool.check());
    return out;
}

/// Gives all that look like headers the checksums that they have.
std::vector<std::byte> with_checksums(std::span<const std::byte> input)
{
    namespace tar = weir::codecs::tar;
    std::vector<std::byte> out(input.begin(), input.end());
    for (std::size_t place = 0; place + tar::block_bytes <= out.size(); place += tar::block_bytes) {
        const auto block = std::span(out).subspan(place).first<tar::block_bytes>();
        if (tar::dialect_of(block) == tar::dialect::v7)
            continue;
        const auto field = block.subspan<tar::checksum_field.offset, tar::checksum_field.size>();
        std::ranges::fill(field, std::byte{' '});
        unsigned sum = 0;
        for (const std::byte each : block)
            sum += std::to_integer<unsigned>(each);
        for (std::size_t i = 6; i-- > 0; sum /= 8)
            field[i] = static_cast<std::byte>('0' + sum % 8);
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    fuzz::input input(bytes, size);
    const std::uint8_t how = input.byte();
    const std::size_t piece = 1 + 13 * (how / 2);
    std::vector<std::byte> text(input.bytes().begin(), input.bytes().end());
    if (how % 2 == 0)
        text = with_checksums(text);
    const outcome whole = read(text, most_bytes);
    fuzz::require(read(text, piece) == whole);
    return 0;
}
