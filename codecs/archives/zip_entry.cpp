#include "archives/zip_entry.hpp"

#include "archives/content_budget.hpp"
#include "archives/entry_name.hpp"
#include "archives/zip_checksum.hpp"
#include "base/ascii.hpp"
#include "compression/stream_start.hpp"

#include <algorithm>

namespace weir::codecs::zip {
namespace {

using namespace std::chrono_literals;
using bytes_view = std::span<const std::byte>;
using timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;

// Of extra fields. Section 4.5; the second and the last are Info-ZIP's, in its extrafld.txt.
constexpr std::uint16_t ntfs_number = 0x000a;
constexpr std::uint16_t timestamp_number = 0x5455;
constexpr std::uint16_t unicode_path_number = 0x7075;

// Systems that headers are made by, section 4.4.2.
constexpr unsigned unix_system = 3;
constexpr unsigned darwin_system = 19;

struct method_name {
    std::uint16_t number;
    const char* name;
    std::optional<codec> decoder;
};

constexpr method_name methods[] = {
    {stored_method, "stored", codec::identity},
    {deflate_method, "deflate", codec::deflate},
    {deflate64_method, "deflate64", std::nullopt},
    {bzip2_method, "bzip2", std::nullopt},
    {lzma_method, "lzma", codec::lzma},
    {zstd_method, "zstd", codec::zstd},
    {xz_method, "xz", codec::xz},
    {ppmd_method, "ppmd", std::nullopt},
    {aes_method, "aes", std::nullopt},
};

const method_name* find_method(std::uint16_t number) noexcept
{
    const auto found = std::ranges::find(methods, number, &method_name::number);
    return found == std::end(methods) ? nullptr : found;
}

std::string name_of_method(std::uint16_t number)
{
    const method_name* const known = find_method(number);
    return known ? known->name : "method " + std::to_string(number);
}

/// Info-ZIP's way to give a name in UTF-8 to those who know it; good only while the other name is what it was made for.
std::optional<std::string_view> unicode_name(const header& from)
{
    constexpr std::size_t head = 5; // version and checksum
    const std::optional<bytes_view> field = find_extra(from.extra, unicode_path_number);
    if (!field || field->size() <= head || field->front() != std::byte{1})
        return std::nullopt;
    checksum of_name;
    of_name.update(std::as_bytes(std::span(from.name)));
    if (of_name.value() != little_endian(field->subspan(1, 4)))
        return std::nullopt;
    const bytes_view text = field->subspan(head);
    const std::string_view name(reinterpret_cast<const char*>(text.data()), text.size());
    return name.find('\0') == name.npos ? std::optional(name) : std::nullopt;
}

std::optional<timestamp> unix_time(const header& from)
{
    const std::optional<bytes_view> field = find_extra(from.extra, timestamp_number);
    constexpr auto has_modified = std::byte{1};
    if (!field || field->size() < 5 || (field->front() & has_modified) == std::byte{0})
        return std::nullopt;
    const auto seconds = static_cast<std::int32_t>(little_endian(field->subspan(1, 4)));
    return timestamp(std::chrono::seconds(seconds));
}

/// Section 4.5.5: an attribute of number 1 has three times, in 100 ns since 1601.
std::optional<timestamp> ntfs_time(const header& from)
{
    const std::optional<bytes_view> field = find_extra(from.extra, ntfs_number);
    if (!field || field->size() < 4)
        return std::nullopt;
    const std::optional<bytes_view> times = find_extra(field->subspan(4), 1);
    if (!times || times->size() < 8)
        return std::nullopt;
    constexpr std::uint64_t from_1601_to_1970 = 116'444'736'000'000'000;
    constexpr std::uint64_t most = from_1601_to_1970 + 92'233'720'368'547'758; // of nanoseconds in 63 bits
    const std::uint64_t count = little_endian(times->first(8));
    if (count < from_1601_to_1970 || count > most)
        return std::nullopt;
    return timestamp(std::chrono::nanoseconds((count - from_1601_to_1970) * 100));
}

std::optional<timestamp> dos_time(const header& from)
{
    const std::chrono::year_month_day day(std::chrono::year(1980 + (from.date >> 9)),
                                          std::chrono::month((from.date >> 5) & 15u), std::chrono::day(from.date & 31u));
    if (!day.ok())
        return std::nullopt;
    return timestamp(std::chrono::sys_days(day)) + std::chrono::hours(from.time >> 11)
        + std::chrono::minutes((from.time >> 5) & 63) + std::chrono::seconds(2 * (from.time & 31));
}

std::optional<timestamp> modified(const header& from)
{
    if (const auto exact = unix_time(from))
        return exact;
    if (const auto exact = ntfs_time(from))
        return exact;
    return dos_time(from);
}

/// A FIFO or a device in a zip archive is what the program that made it has read of one: Info-ZIP's `zip x.zip -` keeps
/// the mode of the pipe it read.
archive_entry_type type_of_mode(std::uint32_t mode) noexcept
{
    switch (mode & 0170000) {
    case 0040000: return archive_entry_type::directory;
    case 0120000: return archive_entry_type::symbolic_link;
    default: return archive_entry_type::file;
    }
}

/// A backslash separates for some who unpack archives, and a letter with a colon is a drive.
bool is_safe_everywhere(std::string_view name)
{
    if (!is_safe_name(name))
        return false;
    if (name.size() > 1 && name[1] == ':' && ascii::is_letter(name[0]))
        return false;
    std::string slashes(name);
    std::ranges::replace(slashes, '\\', '/');
    return is_safe_name(slashes);
}

struct reason {
    errc code;
    std::string why;
};

std::optional<reason> reason_of_form(const header& from)
{
    if (from.has(encrypted_flag) || from.has(strong_encryption_flag) || from.has(masked_flag)
        || from.method == aes_method)
        return reason{errc::encrypted, ""};
    if (from.has(patch_flag))
        return reason{errc::unsupported_format, "patched data"};
    const std::optional<codec> decoder = codec_of(from.method);
    if (!decoder)
        return reason{errc::unsupported_format, name_of_method(from.method)};
    if (!is_built_in(*decoder))
        return reason{errc::codec_unavailable, std::string(to_string(*decoder))};
    return std::nullopt;
}

std::optional<reason> reason_of_sizes(const header& from, const archive_options& options)
{
    if (from.fault)
        return reason{errc::corrupt_data, from.fault};
    if (from.method == stored_method && from.size != from.compressed)
        return reason{errc::corrupt_data, "it is stored, in another number of bytes than it has"};
    if (from.size > most_content_bytes(options))
        return reason{errc::limit_exceeded, "the size of the content"};
    if (passes_ratio(from.size, from.compressed, options.decoder))
        return reason{errc::limit_exceeded, "the ratio of output to input"};
    return std::nullopt;
}

} // namespace

std::optional<codec> codec_of(std::uint16_t which) noexcept
{
    const method_name* const known = find_method(which);
    return known ? known->decoder : std::nullopt;
}

std::uint64_t most_content_bytes(const archive_options& options) noexcept
{
    return std::min(options.limits.max_entry_bytes, options.decoder.max_output_bytes);
}

std::string told_name(const header& from)
{
    std::string out(from.has(utf8_flag) ? from.name : unicode_name(from).value_or(from.name));
    std::ranges::replace(out, '\0', '?');
    return out;
}

archive_entry entry_of(const header& from)
{
    constexpr std::uint32_t dos_directory = 0x10;
    archive_entry out;
    out.name = told_name(from);
    const unsigned system = from.made_by >> 8;
    if (system == unix_system || system == darwin_system) {
        const std::uint32_t mode = from.attributes >> 16;
        out.type = type_of_mode(mode);
        if (mode != 0) // some programs write none
            out.mode = mode & 07777;
    } else if ((from.attributes & dos_directory) != 0) {
        out.type = archive_entry_type::directory;
    }
    if (out.name.ends_with('/'))
        out.type = archive_entry_type::directory;
    out.size = from.size;
    out.stored_bytes = from.compressed;
    out.method = name_of_method(from.method);
    out.modified = modified(from);
    return out;
}

std::exception_ptr refusal_of(const header& from, const archive_entry& entry, bool sized,
                              const archive_options& options, std::string_view archive)
{
    std::optional<reason> found = reason_of_form(from);
    if (!found && sized)
        found = reason_of_sizes(from, options);
    const bool has_nul = from.name.find('\0') != from.name.npos; // other readers may end it there
    if (!found && (has_nul || (options.refuse_unsafe_names && !is_safe_everywhere(entry.name))))
        found = reason{errc::unsafe_name, ""};
    if (!found)
        return nullptr;
    return std::make_exception_ptr(
        error(found->code, "open", name_of_content(archive, entry.name), std::nullopt, found->why));
}

std::exception_ptr refusal_by_limit(std::string_view archive, std::string_view entry, std::string_view which)
{
    return std::make_exception_ptr(
        error(errc::limit_exceeded, "open", name_of_content(archive, entry), std::nullopt, which));
}

} // namespace weir::codecs::zip
