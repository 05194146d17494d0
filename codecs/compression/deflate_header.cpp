#include "compression/deflate_header.hpp"

#include <isa-l/crc.h>

#include <algorithm>

namespace weir::codecs {
namespace {

constexpr unsigned deflate_method = 8;

void check_method(unsigned method)
{
    if (method != deflate_method)
        throw failure{errc::unsupported_format, "unknown compression method"};
}

} // namespace

void deflate_header::start() noexcept
{
    bytes_.clear();
    field_ = field::method;
    flags_ = 0;
    extra_ = 0;
    checksum_ = 0;
}

bool deflate_header::read(std::span<const std::byte>& input)
{
    switch (which_) {
    case codec::gzip: return read_gzip(input);
    case codec::zlib: return read_zlib(input);
    default: return true;
    }
}

bool deflate_header::read_zlib(std::span<const std::byte>& input)
{
    constexpr unsigned largest_window = 7;
    constexpr unsigned has_dictionary = 0x20;
    if (!bytes_.fill(input, 2))
        return false;
    const auto first = std::to_integer<unsigned>(bytes_.bytes()[0]);
    check_method(first & 0xf);
    if (first >> 4 > largest_window)
        throw failure{errc::corrupt_data, "invalid window size"};
    if ((std::to_integer<unsigned>(bytes_.bytes()[1]) & has_dictionary) == 0)
        return true;
    if (!bytes_.fill(input, 6))
        return false;
    throw failure{errc::unknown_dictionary, "the stream names one"};
}

bool deflate_header::read_gzip(std::span<const std::byte>& input)
{
    while (field_ != field::end) {
        const std::span<const std::byte> before = input;
        const bool whole = !has(field_) || take(input);
        if (field_ != field::checksum)
            checksum_ = crc32_gzip_refl(checksum_, reinterpret_cast<const unsigned char*>(before.data()),
                                        before.size() - input.size());
        if (!whole)
            return false;
        check();
        bytes_.clear();
        field_ = static_cast<field>(static_cast<int>(field_) + 1);
    }
    return true;
}

bool deflate_header::has(field which) const noexcept
{
    switch (which) {
    case field::extra_size:
    case field::extra: return (flags_ & 0x04) != 0;
    case field::name: return (flags_ & 0x08) != 0;
    case field::comment: return (flags_ & 0x10) != 0;
    case field::checksum: return (flags_ & 0x02) != 0;
    default: return true;
    }
}

/// \returns  whether all of the field was taken
bool deflate_header::take(std::span<const std::byte>& input)
{
    switch (field_) {
    case field::method: return bytes_.fill(input, 4);
    case field::time_and_system: return bytes_.fill(input, 6);
    case field::extra: {
        const std::size_t count = std::min(extra_, input.size());
        input = input.subspan(count);
        extra_ -= count;
        return extra_ == 0;
    }
    case field::name:
    case field::comment: {
        const auto zero = std::find(input.begin(), input.end(), std::byte{0});
        const bool found = zero != input.end();
        input = {found ? zero + 1 : zero, input.end()};
        return found;
    }
    default: return bytes_.fill(input, 2);
    }
}

/// Looks at a field that is whole.
void deflate_header::check()
{
    if (!has(field_))
        return;
    const std::span<const std::byte> bytes = bytes_.bytes();
    if (field_ == field::method) {
        constexpr unsigned reserved = 0xe0;
        check_method(std::to_integer<unsigned>(bytes[2]));
        flags_ = std::to_integer<unsigned>(bytes[3]);
        if ((flags_ & reserved) != 0)
            throw failure{errc::unsupported_format, "unknown header flags set"};
    }
    else if (field_ == field::extra_size)
        extra_ = static_cast<std::size_t>(little_endian(bytes));
    else if (field_ == field::checksum && verify_ && little_endian(bytes) != (checksum_ & 0xffff))
        throw failure{errc::checksum_mismatch, "header crc mismatch"};
}

} // namespace weir::codecs
