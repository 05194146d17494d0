#include "compression/deflate_decoder.hpp"

#include <algorithm>
#include <cstdint>

namespace weir::codecs {
namespace {

constexpr std::size_t most_at_once = std::size_t{1} << 30; // libraries count in 32 bits, and add to that

/// Whether a stream, or a member of gzip, could begin so; false as soon as that is clear.
bool could_begin(codec which, std::span<const std::byte> start) noexcept
{
    constexpr std::uint8_t gzip_magic[] = {0x1f, 0x8b};
    if (which == codec::gzip)
        return could_be(start, gzip_magic);
    if (which == codec::deflate || start.size() < 2)
        return true; // RFC 1951 has no header; of RFC 1950 two bytes are a multiple of 31
    const auto high = std::to_integer<unsigned>(start[0]);
    const auto low = std::to_integer<unsigned>(start[1]);
    return (high << 8 | low) % 31 == 0;
}

} // namespace

deflate_decoder::deflate_decoder(codec which, const decoder_settings& settings, std::pmr::memory_resource& from)
    : context(from), which_(which), concatenated_(settings.concatenated)
{
    refuse_dictionary(which, settings.dictionary);
}

void deflate_decoder::start()
{
    begin_member();
    step_ = step::first;
    start_.clear();
}

bool deflate_decoder::run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last)
{
    while (!output.empty()) {
        if (step_ == step::ended && end_of_stream(input, last))
            return true;
        if (step_ != step::body && !begin(input)) {
            if (last)
                throw failure{errc::truncated, "before its content"};
            return false;
        }
        if (step_ == step::body && !inflate_some(input, output, last))
            return false;
    }
    return step_ == step::ended && !concatenated_;
}

/// Looks at what begins here.
/// \returns  whether enough of it is there
bool deflate_decoder::begin(std::span<const std::byte>& input)
{
    const bool enough = which_ == codec::deflate ? !input.empty() : start_.fill(input, 2);
    if (!could_begin(which_, start_.bytes()))
        throw step_ == step::first ? failure{errc::bad_format, "another kind of data"}
                                   : failure{errc::trailing_data, "no other member"};
    if (!enough)
        return false;
    if (step_ == step::ended)
        begin_member();
    step_ = step::body;
    return true;
}

/// After the end of a stream, or of a member.
/// \returns  whether nothing more can come
bool deflate_decoder::end_of_stream(std::span<const std::byte>& input, bool last)
{
    if (!concatenated_)
        return true;
    if (which_ == codec::gzip && start_.empty()) {
        const auto is_content = [](std::byte each) { return each != std::byte{0}; };
        const auto not_zero = std::find_if(input.begin(), input.end(), is_content);
        padded_ = padded_ || not_zero != input.begin();
        input = input.subspan(static_cast<std::size_t>(not_zero - input.begin()));
    }
    if (!input.empty() && (which_ != codec::gzip || padded_))
        throw failure{errc::trailing_data, padded_ ? "after zeros" : "after the stream"};
    return last && input.empty() && start_.empty();
}

/// \returns  whether there is more to do
bool deflate_decoder::inflate_some(std::span<const std::byte>& input, std::span<std::byte>& output, bool last)
{
    for (std::span<const std::byte> held = start_.bytes(); !held.empty();)
        inflate_member(held, output); // the start of a header, never a whole stream
    start_.clear();
    std::span<std::byte> room = output.first(std::min(output.size(), most_at_once));
    const std::size_t size = room.size();
    bool whole = false;
    try {
        whole = inflate_member(input, room);
    }
    catch (const failure&) {
        output = output.subspan(size - room.size());
        throw;
    }
    output = output.subspan(size - room.size());
    if (whole) {
        step_ = step::ended;
        padded_ = false;
        return true;
    }
    if (last && input.empty() && !room.empty())
        throw failure{errc::truncated, "in its content"};
    return !input.empty() || room.empty();
}

} // namespace weir::codecs
