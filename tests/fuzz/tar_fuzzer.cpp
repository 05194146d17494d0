// Any bytes are a tar archive or refused, with the same entries, contents and outcome however they are cut. Checksums
// are made to fit, where the first byte says so: else nearly all that is tried would end at one.

#include "archive_reading.hpp"

#include "archives/tar_archive.hpp"
#include "archives/tar_block.hpp"

#include <weir/buffer_pool.hpp>
#include <weir/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace asio = boost::asio;

namespace {

asio::awaitable<void> read_all(weir::archive& from, weir::reservation& memory, std::size_t piece, std::string& out)
{
    while (const std::optional<weir::archive_entry> next = co_await from.next()) {
        fuzz::require(next->name.find('\0') == next->name.npos && next->size);
        out += "\n" + next->name + "\n" + next->link_target + "\n" + std::to_string(*next->size) + "\n";
        if (!next->refusal)
            co_await fuzz::read_content(from, *next, memory, piece, out);
    }
}

fuzz::outcome read(std::span<const std::byte> input, std::size_t piece)
{
    static asio::io_context context;
    static weir::buffer_pool pool({.tiers = {{64 << 10, 2}}, .max_bytes = 256 << 10});
    weir::archive_options options;
    options.limits = {.max_entry_bytes = fuzz::most_bytes, .max_entries = 1000};
    fuzz::outcome out;
    {
        weir::reservation memory = pool.try_reserve(2, 64 << 10).value();
        const auto archive = weir::codecs::make_tar_archive(std::make_unique<fuzz::pieces_source>(input, piece), options);
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
    const fuzz::outcome whole = read(text, fuzz::most_bytes);
    fuzz::require(read(text, piece) == whole);
    return 0;
}
