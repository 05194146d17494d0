#include "archives/zip_sequence.hpp"

#include "archives/zip_entry.hpp"
#include "compression/stream_start.hpp"

namespace weir::codecs::zip {

std::size_t size_of_record(std::span<const std::byte> start) noexcept
{
    const auto with = [start](std::size_t fixed, std::size_t (*whole)(std::span<const std::byte>) noexcept) {
        return start.size() < fixed ? fixed : whole(start);
    };
    switch (signature_of(start)) {
    case local_signature: return with(local_header_bytes, size_of_local_header);
    case directory_signature: return with(directory_header_bytes, size_of_directory_header);
    case digital_signature:
        return with(signature_bytes + 2, [](std::span<const std::byte> record) noexcept {
            return signature_bytes + 2 + static_cast<std::size_t>(little_endian(record.subspan(signature_bytes, 2)));
        });
    case end64_signature:
        return with(end64_size_bytes, [](std::span<const std::byte> record) noexcept {
            const std::uint64_t behind = little_endian(record.subspan(signature_bytes, end64_size_bytes - signature_bytes));
            const bool can_be = behind >= end64_bytes - end64_size_bytes
                && behind <= end64_bytes - end64_size_bytes + most_end64_data_bytes;
            return can_be ? end64_size_bytes + static_cast<std::size_t>(behind) : end64_bytes; // `take` says so
        });
    case locator_signature: return locator_bytes;
    default:
        return with(end_bytes, [](std::span<const std::byte> record) noexcept { return end_bytes + comment_bytes(record); });
    }
}

std::string names_of(const header& from) { return std::string(from.name) + '\0' + told_name(from); }

void record_sequence::require(std::uint32_t kind, std::uint64_t at) const
{
    const bool in_entries = last_ == 0 || last_ == local_signature;
    const bool in_directory = in_entries || last_ == directory_signature;
    bool fits = false;
    switch (kind) {
    case local_signature: fits = in_entries; break;
    case directory_signature: fits = in_directory; break;
    case digital_signature: fits = last_ == directory_signature; break;
    case end64_signature: fits = in_directory || last_ == digital_signature; break;
    case locator_signature: fits = last_ == end64_signature; break;
    case end_signature: fits = in_directory || last_ == digital_signature || last_ == locator_signature; break;
    case extra_data_signature: throw fault{errc::encrypted, "the directory", at};
    default: break;
    }
    if (!fits)
        throw fault{has_begun() ? errc::corrupt_data : errc::bad_format,
                    "no record of a zip archive where one has to be", at};
}

void record_sequence::take(std::span<const std::byte> record, std::uint64_t at)
{
    const std::uint32_t kind = signature_of(record);
    if (kind != local_signature && (last_ == 0 || last_ == local_signature))
        directory_at_ = at;
    switch (kind) {
    case directory_signature: take_directory_header(record, at); break;
    case end64_signature:
        if (little_endian(record.subspan(signature_bytes, end64_size_bytes - signature_bytes)) != record.size() - end64_size_bytes)
            throw fault{errc::corrupt_data, "the size of the zip64 end of its directory", at};
        end64_.emplace(record.begin(), record.end());
        end64_at_ = at;
        break;
    case locator_signature: take_locator(record, at); break;
    case end_signature: take_end(record, at); break;
    default: break;
    }
    last_ = kind;
}

void record_sequence::take_directory_header(std::span<const std::byte> record, std::uint64_t at)
{
    const header told = parse_directory_header(record);
    const std::uint64_t behind = at + record.size();
    if (told.fault)
        throw fault{errc::corrupt_data, told.fault, behind};
    if (tally_.told() == tally_.found())
        throw fault{errc::corrupt_data, "its directory has more entries than it", behind};
    tally_.tell({.offset = told.offset, .flags = told.flags, .method = told.method, .crc = told.crc,
                 .compressed = told.compressed, .size = told.size},
                names_of(told));
}

void record_sequence::take_locator(std::span<const std::byte> record, std::uint64_t at) const
{
    if (parse_locator(record, at) != end64_at_)
        throw fault{errc::corrupt_data, "the zip64 end of its directory is not where it should be", at};
}

void record_sequence::take_end(std::span<const std::byte> record, std::uint64_t at) const
{
    directory_end end = parse_end(record, at);
    if (end64_)
        end = widen_end(end, *end64_, end64_at_);
    const std::uint64_t directory_end_at = end64_ ? end64_at_ : at;
    if (end.entries != tally_.told() || end.offset != directory_at_ || end.bytes != directory_end_at - directory_at_)
        throw fault{errc::corrupt_data, "its end says something else of its directory", at};
    if (!tally_.agrees())
        throw fault{errc::corrupt_data, "its directory says something else of its entries", at};
}

} // namespace weir::codecs::zip
