#include <weir/decoder.hpp>

#include "compression/context.hpp"
#include "compression/ratio.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <optional>
#include <string>

namespace weir {
namespace {

// How much may be decoded beyond the ratio before it is looked at again.
constexpr std::uint64_t ratio_slack = std::uint64_t{64} << 10;

} // namespace

decoder_settings settings_for(codec found, decoder_settings given)
{
    if (found != codec::zstd)
        given.dictionary = {};
    return given;
}

decoder::decoder(codec which, const decoder_settings& settings, codec_pool& contexts)
    : lease_(which, settings, contexts)
{}
decoder::decoder(decoder&& other) noexcept = default;
decoder& decoder::operator=(decoder&& other) noexcept = default;
decoder::~decoder() = default;

std::size_t decoder::pull(std::span<std::byte> output)
{
    assert(!output.empty());
    return lease_.attempt([&] { return decode(output); });
}

std::size_t decoder::decode(std::span<std::byte> output)
{
    std::span<std::byte> left = output;
    try {
        while (!ended() && !left.empty()) {
            const std::span<std::byte> room = left.first(std::min(left.size(), permitted()));
            if (room.empty()) {
                check_for_one_more();
                break;
            }
            std::span<std::byte> unfilled = room;
            std::optional<codecs::failure> failed;
            try {
                lease_.run(unfilled);
            }
            catch (const codecs::failure& why) {
                failed = why;
            }
            const std::size_t count = room.size() - unfilled.size();
            lease_.give(count);
            check_ratio();
            left = left.subspan(count);
            if (failed)
                throw *failed;
            if (!unfilled.empty())
                break;
        }
    }
    catch (const codecs::failure& why) {
        const error told = error_of(why.code, why.why);
        if (left.size() == output.size())
            throw told;
        lease_.fail_next(std::make_exception_ptr(told)); // when the content in front of it was taken
    }
    return output.size() - left.size();
}

// How much of the output may be filled before limits are looked at again; 0 where the next byte is one too many.
std::size_t decoder::permitted() const noexcept
{
    const std::uint64_t by_ratio = codecs::ratio_allows(lease_.settings(), consumed());
    const std::uint64_t within_ratio = by_ratio > produced() ? by_ratio - produced() : 0;
    const std::uint64_t within_output = lease_.settings().max_output_bytes - produced();
    return static_cast<std::size_t>(
        std::min<std::uint64_t>({std::max(within_ratio, ratio_slack), within_output, SIZE_MAX}));
}

void decoder::check_ratio() const
{
    if (produced() > codecs::ratio_allows(lease_.settings(), consumed()))
        throw codecs::failure{errc::limit_exceeded, "the ratio of output to input"};
}

// All the output that may be was given: some formats have yet to read their end.
void decoder::check_for_one_more()
{
    std::byte one_too_many;
    std::span<std::byte> room(&one_too_many, 1);
    lease_.run(room);
    if (room.empty())
        throw codecs::failure{errc::limit_exceeded, "the size of the output"};
}

error decoder::error_of(errc code, const char* why) const
{
    const std::string_view codec_name = to_string(which());
    if (subject_.empty())
        return error(code, "decode", codec_name, consumed(), why);
    return error(code, "decode", subject_, consumed(), std::string(codec_name) + ": " + why);
}

void decoder::restart() { lease_.restart(); }

} // namespace weir
