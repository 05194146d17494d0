#include "archives/zip_format.hpp"

#include "compression/stream_start.hpp"

#include <algorithm>
#include <limits>

namespace weir::codecs::zip {
namespace {

using record_bytes = std::span<const std::byte>;

/// Numbers off the front of a record.
class fields {
public:
    explicit fields(record_bytes record) noexcept : rest_(record) {}

    template <class Number> Number take() noexcept
    {
        const auto value = static_cast<Number>(little_endian(rest_.first(sizeof(Number))));
        rest_ = rest_.subspan(sizeof(Number));
        return value;
    }
    void skip(std::size_t count) noexcept { rest_ = rest_.subspan(count); }
    [[nodiscard]] record_bytes take_bytes(std::size_t count) noexcept
    {
        const record_bytes out = rest_.first(count);
        rest_ = rest_.subspan(count);
        return out;
    }
    [[nodiscard]] std::size_t left() const noexcept { return rest_.size(); }

private:
    record_bytes rest_;
};

template <class Number> constexpr Number elsewhere = std::numeric_limits<Number>::max(); // in a zip64 record

std::string_view text_of(record_bytes bytes) noexcept
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint16_t number_at(record_bytes record, std::size_t offset) noexcept
{
    return static_cast<std::uint16_t>(little_endian(record.subspan(offset, 2)));
}

/// Calls `visit(number, content)` for each extra field, until it gives true.
template <class Visit> void visit_extra(record_bytes extra, Visit visit)
{
    constexpr std::size_t head = 4;
    while (extra.size() >= head) {
        const std::size_t size = number_at(extra, 2);
        if (size > extra.size() - head || visit(number_at(extra, 0), extra.subspan(head, size)))
            return;
        extra = extra.subspan(head + size);
    }
}

constexpr std::uint16_t zip64_number = 1;

/// Section 4.5.3: only the numbers that have no room in the header, in this order.
void widen(header& of) noexcept
{
    const bool wide_size = of.size == elsewhere<std::uint32_t>;
    const bool wide_compressed = of.compressed == elsewhere<std::uint32_t>;
    const bool wide_offset = of.offset == elsewhere<std::uint32_t>;
    const bool wide_disk = of.disk == elsewhere<std::uint16_t>;
    const std::size_t needed
        = 8 * (std::size_t{wide_size} + std::size_t{wide_compressed} + std::size_t{wide_offset}) + 4 * std::size_t{wide_disk};
    if (needed == 0)
        return;
    std::size_t count = 0;
    record_bytes found;
    visit_extra(of.extra, [&](std::uint16_t number, record_bytes content) {
        if (number == zip64_number && count++ == 0)
            found = content;
        return false;
    });
    if (count != 1 || found.size() < needed) {
        of.fault = count > 1 ? "it has two zip64 fields" : "its zip64 field lacks a number";
        return;
    }
    fields from(found);
    if (wide_size)
        of.size = from.take<std::uint64_t>();
    if (wide_compressed)
        of.compressed = from.take<std::uint64_t>();
    if (wide_offset)
        of.offset = from.take<std::uint64_t>();
    if (wide_disk)
        of.disk = from.take<std::uint32_t>();
}

/// What both kinds of header have in the same order, from the flags on.
void parse_common(fields& from, header& out) noexcept
{
    out.flags = from.take<std::uint16_t>();
    out.method = from.take<std::uint16_t>();
    out.time = from.take<std::uint16_t>();
    out.date = from.take<std::uint16_t>();
    out.crc = from.take<std::uint32_t>();
    out.compressed = from.take<std::uint32_t>();
    out.size = from.take<std::uint32_t>();
}

struct end_numbers {
    std::uint64_t disk, first_disk, entries_here;
    directory_end end;
};

void require_one_disk(const end_numbers& found, std::uint64_t at)
{
    if (found.disk != 0 || found.first_disk != 0 || found.entries_here != found.end.entries)
        throw fault{errc::unsupported_format, "it is spread over several disks", at};
}

template <class Disk, class Count, class Size> end_numbers parse_end_numbers(fields& from) noexcept
{
    end_numbers out{};
    out.disk = from.take<Disk>();
    out.first_disk = from.take<Disk>();
    out.entries_here = from.take<Count>();
    out.end.entries = from.take<Count>();
    out.end.bytes = from.take<Size>();
    out.end.offset = from.take<Size>();
    return out;
}

/// The one end record whose comment reaches to the end, or to nothing but a few zeros. What lies behind it and begins like
/// another would be the end for other readers: they are refused, since the two would see different archives.
std::size_t find_end(record_bytes tail, std::uint64_t tail_at)
{
    const std::size_t longest_padding = std::min(tail.size(), most_padding_bytes);
    std::size_t padded_from = tail.size();
    while (tail.size() - padded_from < longest_padding && tail[padded_from - 1] == std::byte{0})
        --padded_from;
    std::optional<std::size_t> found;
    bool any_later = false;
    for (std::size_t at = tail.size() < end_bytes ? 0 : tail.size() - end_bytes + 1; at-- > 0;) {
        if (signature_of(tail.subspan(at)) != end_signature)
            continue;
        const std::size_t end = at + end_bytes + comment_bytes(tail.subspan(at));
        if (end >= padded_from && end <= tail.size()) {
            if (found || any_later)
                throw fault{errc::corrupt_data, "two records could be its end", tail_at + at};
            found = at;
        }
        any_later = true;
    }
    if (!found)
        throw fault{errc::bad_format, "no end of a zip archive", tail_at + tail.size()};
    return *found;
}

/// The zip64 end record that ends where its locator begins. With bytes before the archive it is not where it says.
std::size_t find_end64(record_bytes tail, std::uint64_t tail_at, std::size_t locator)
{
    const std::uint64_t written = parse_locator(tail.subspan(locator), tail_at + locator);
    const auto ends_there = [&](std::size_t at) {
        return at <= locator && locator - at >= end64_bytes && signature_of(tail.subspan(at)) == end64_signature
            && little_endian(tail.subspan(at + 4, 8)) == locator - at - end64_size_bytes;
    };
    if (locator >= end64_bytes && ends_there(locator - end64_bytes))
        return locator - end64_bytes;
    if (written >= tail_at && written - tail_at < locator && ends_there(static_cast<std::size_t>(written - tail_at)))
        return static_cast<std::size_t>(written - tail_at);
    throw fault{errc::corrupt_data, "the zip64 end of its directory is not where it should be", tail_at + locator};
}

} // namespace

bool is_padding(record_bytes bytes) noexcept
{
    return std::ranges::all_of(bytes, [](std::byte each) { return each == std::byte{0}; });
}

std::uint32_t signature_of(record_bytes record) noexcept
{
    return static_cast<std::uint32_t>(little_endian(record.first(signature_bytes)));
}

std::size_t size_of_local_header(record_bytes start) noexcept
{
    return local_header_bytes + number_at(start, 26) + number_at(start, 28);
}

std::size_t size_of_directory_header(record_bytes start) noexcept
{
    return directory_header_bytes + number_at(start, 28) + number_at(start, 30) + number_at(start, 32);
}

header parse_local_header(record_bytes record) noexcept
{
    header out;
    fields from(record);
    from.skip(signature_bytes + 2); // and the version that is needed
    parse_common(from, out);
    const std::size_t name = from.take<std::uint16_t>();
    const std::size_t extra = from.take<std::uint16_t>();
    out.name = text_of(from.take_bytes(name));
    out.extra = from.take_bytes(extra);
    widen(out);
    return out;
}

header parse_directory_header(record_bytes record) noexcept
{
    header out;
    fields from(record);
    from.skip(signature_bytes);
    out.made_by = from.take<std::uint16_t>();
    from.skip(2); // the version that is needed
    parse_common(from, out);
    const std::size_t name = from.take<std::uint16_t>();
    const std::size_t extra = from.take<std::uint16_t>();
    from.skip(2); // the comment's size
    out.disk = from.take<std::uint16_t>();
    from.skip(2); // internal attributes
    out.attributes = from.take<std::uint32_t>();
    out.offset = from.take<std::uint32_t>();
    out.name = text_of(from.take_bytes(name));
    out.extra = from.take_bytes(extra);
    widen(out);
    return out;
}

std::optional<record_bytes> find_extra(record_bytes extra, std::uint16_t number) noexcept
{
    std::optional<record_bytes> out;
    visit_extra(extra, [&](std::uint16_t each, record_bytes content) {
        if (each == number)
            out = content;
        return out.has_value();
    });
    return out;
}

std::size_t comment_bytes(record_bytes end_record) noexcept { return number_at(end_record, 20); }

directory_end parse_end(record_bytes record, std::uint64_t at)
{
    fields from(record);
    from.skip(signature_bytes);
    end_numbers found = parse_end_numbers<std::uint16_t, std::uint16_t, std::uint32_t>(from);
    if (found.disk == elsewhere<std::uint16_t>)
        found.disk = 0;
    if (found.first_disk == elsewhere<std::uint16_t>)
        found.first_disk = 0;
    require_one_disk(found, at);
    return found.end;
}

directory_end widen_end(directory_end end, record_bytes record, std::uint64_t at)
{
    fields from(record);
    from.skip(16); // signature, size, versions
    const end_numbers wide = parse_end_numbers<std::uint32_t, std::uint64_t, std::uint64_t>(from);
    require_one_disk(wide, at);
    const bool agree = (end.entries == elsewhere<std::uint16_t> || end.entries == wide.end.entries)
        && (end.bytes == elsewhere<std::uint32_t> || end.bytes == wide.end.bytes)
        && (end.offset == elsewhere<std::uint32_t> || end.offset == wide.end.offset);
    if (!agree)
        throw fault{errc::corrupt_data, "the two ends of its directory say different things", at};
    return wide.end;
}

std::uint64_t parse_locator(record_bytes record, std::uint64_t at)
{
    fields from(record);
    from.skip(signature_bytes);
    const auto disk = from.take<std::uint32_t>();
    const auto offset = from.take<std::uint64_t>();
    if (disk != 0 || from.take<std::uint32_t>() > 1)
        throw fault{errc::unsupported_format, "it is spread over several disks", at};
    return offset;
}

directory_place find_directory(record_bytes tail, std::uint64_t tail_at)
{
    std::size_t at = find_end(tail, tail_at);
    directory_end end = parse_end(tail.subspan(at), tail_at + at);
    if (at >= locator_bytes && signature_of(tail.subspan(at - locator_bytes)) == locator_signature) {
        at = find_end64(tail, tail_at, at - locator_bytes);
        end = widen_end(end, tail.subspan(at), tail_at + at);
    }
    const std::uint64_t end_at = tail_at + at;
    if (end.bytes > end_at || end.offset > end_at - end.bytes)
        throw fault{errc::corrupt_data, "its directory does not fit in front of its end", end_at};
    if (end.entries > end.bytes / directory_header_bytes)
        throw fault{errc::corrupt_data, "its directory is too small for its entries", end_at};
    const std::uint64_t offset = end_at - end.bytes;
    return {.entries = end.entries, .offset = offset, .bytes = end.bytes, .prefix = offset - end.offset};
}

} // namespace weir::codecs::zip
