#include "archives/tar_parser.hpp"

#include "archives/entry_name.hpp"

#include <algorithm>
#include <utility>

namespace weir::codecs::tar {
namespace {

/// What an entry's type says of it.
struct kind {
    archive_entry_type type = archive_entry_type::file; ///< what POSIX wants unknown ones to be
    bool has_content = true;
};

// Sizes of links, devices and directories are no contents: some programs wrote the length of a target there. A hard link
// of pax may have one.
kind kind_of(char type, std::string_view name, bool is_pax) noexcept
{
    switch (type) {
    case '1': return {archive_entry_type::hard_link, is_pax};
    case '2': return {archive_entry_type::symbolic_link, false};
    case '3':
    case '4':
    case '6': return {archive_entry_type::other, false};
    case '5': return {archive_entry_type::directory, false};
    case 'D': return {archive_entry_type::directory, true};
    default: break;
    }
    if ((type == '0' || type == '\0') && name.ends_with('/'))
        return {archive_entry_type::directory, true}; // so programs did before there was a type for it
    return {};
}

std::uint64_t padded(std::uint64_t bytes) noexcept { return bytes + -bytes % block_bytes; }

block first_block(std::span<const std::byte> piece) noexcept { return piece.first<block_bytes>(); }

} // namespace

tar_parser::tar_parser(std::string archive, const archive_limits& limits, bool refuse_unsafe_names)
    : archive_(std::move(archive)), limits_(limits), refuse_unsafe_names_(refuse_unsafe_names)
{}

tar_parser::outcome tar_parser::take(std::span<const std::byte> piece, std::uint64_t offset)
{
    offset_ = offset;
    switch (state_) {
    case state::header: return take_header(first_block(piece));
    case state::text: return take_text({reinterpret_cast<const char*>(piece.data()), text_bytes_});
    case state::old_map: return take_old_map(first_block(piece));
    case state::pax_map: return take_pax_map(first_block(piece));
    }
    return outcome::end; // there is no other state
}

tar_parser::outcome tar_parser::take_header(block header)
{
    if (is_zero(header)) {
        if (!may_end())
            fail(errc::corrupt_data, "the archive ends before the entry that a header is for");
        return outcome::end;
    }
    if (!checksum_fits(header))
        fail(errc::checksum_mismatch, "a header is not what its checksum says");
    header_bytes_ += block_bytes;
    const char type = static_cast<char>(header[type_offset]);
    is_pax_ = is_pax_ || type == 'x' || type == 'X' || type == 'g';
    if (type == 'g' || type == 'V') {
        if (first_offset_)
            fail(errc::corrupt_data, "a header of the archive between an entry's");
        return begin_text(type, size_of(header));
    }
    if (!first_offset_)
        first_offset_ = offset_;
    if (type == 'x' || type == 'X' || type == 'L' || type == 'K') // X: Solaris
        return begin_text(type, size_of(header));
    return begin_entry(header, type);
}

std::uint64_t tar_parser::size_of(block header) const
{
    const std::optional<std::int64_t> size = number(header, size_field);
    if (!size || *size < 0)
        fail(errc::corrupt_data, "the size in a header is no number that a size can be");
    return static_cast<std::uint64_t>(*size);
}

tar_parser::outcome tar_parser::begin_text(char type, std::uint64_t bytes)
{
    if (header_bytes_ > max_header_bytes || bytes > max_header_bytes - header_bytes_)
        fail(errc::limit_exceeded, "the headers of an entry are longer than 1 MiB");
    header_bytes_ += bytes;
    text_type_ = type;
    text_bytes_ = bytes;
    if (bytes == 0)
        return take_text({});
    state_ = state::text;
    wanted_ = padded(bytes);
    return outcome::more;
}

tar_parser::outcome tar_parser::take_text(std::string_view all)
{
    state_ = state::header;
    wanted_ = block_bytes;
    std::string_view wrong;
    switch (text_type_) {
    case 'L': long_name_ = all.substr(0, all.find('\0')); break;
    case 'K': long_link_ = all.substr(0, all.find('\0')); break;
    case 'g':
        wrong = global_.read(all, pax_scope::archive);
        attributes_ = global_;
        break;
    case 'V': break; // a label, which names the volume
    default: wrong = attributes_.read(all, pax_scope::entry);
    }
    if (!wrong.empty())
        fail(errc::corrupt_data, wrong);
    return outcome::more;
}

tar_parser::outcome tar_parser::begin_entry(block header, char type)
{
    if (++entries_ > limits_.max_entries)
        fail(errc::limit_exceeded, "more than " + std::to_string(limits_.max_entries) + " entries");
    entry_ = {};
    entry_.offset = *first_offset_;
    name_entry(header);
    const dialect which = dialect_of(header);
    is_pax_ = is_pax_ && which == dialect::ustar; // as libarchive tells it
    const kind known = kind_of(type, entry_.name, is_pax_);
    entry_.type = known.type;
    if (const auto mode = number(header, mode_field))
        entry_.mode = static_cast<std::uint32_t>(*mode & 07777);
    if (attributes_.has_modified)
        entry_.modified = attributes_.modified;
    else if (const auto seconds = number(header, modified_field))
        entry_.modified = time_of(*seconds);

    content_bytes_ = 0;
    if (known.has_content)
        content_bytes_ = attributes_.size ? *attributes_.size : size_of(header);
    file_bytes_ = known.type == archive_entry_type::directory ? 0 : content_bytes_;
    map_.clear();
    is_sparse_ = false;
    refuse_what_is_not_read(type, which);
    if (type == 'S' && which == dialect::gnu)
        return begin_old_sparse(header);
    if (known.type == archive_entry_type::file && attributes_.is_sparse())
        return begin_pax_sparse();
    return finish_entry();
}

void tar_parser::name_entry(block header)
{
    if (attributes_.sparse_name || attributes_.path)
        entry_.name = checked_name(attributes_.sparse_name ? *attributes_.sparse_name : *attributes_.path);
    else if (long_name_)
        entry_.name = checked_name(*long_name_);
    else {
        if (dialect_of(header) == dialect::ustar)
            entry_.name = text(header, prefix_field);
        if (!entry_.name.empty())
            entry_.name += '/';
        entry_.name += text(header, name_field);
    }
    if (attributes_.link_path)
        entry_.link_target = checked_name(*attributes_.link_path);
    else if (long_link_)
        entry_.link_target = checked_name(*long_link_);
    else
        entry_.link_target = text(header, link_field);
}

std::string tar_parser::checked_name(std::string_view name) const
{
    if (name.size() > max_name_bytes)
        fail(errc::limit_exceeded, "a name is longer than 64 KiB");
    return std::string(name);
}

void tar_parser::refuse_what_is_not_read(char type, dialect which)
{
    if (refuse_unsafe_names_ && !is_safe_name(entry_.name))
        refuse(errc::unsafe_name, "it is absolute, empty, or has a part \"..\"");
    if (type == 'M' || attributes_.is_continued)
        refuse(errc::unsupported_format, "it began in another volume");
    else if (type == 'D' || attributes_.is_directory_list)
        refuse(errc::unsupported_format, "the list of a directory of an incremental dump");
    else if (type == 'N')
        refuse(errc::unsupported_format, "an old list of long names");
    else if (type == 'S' && which != dialect::gnu)
        refuse(errc::unsupported_format, "a sparse file as star writes it");
    else if (attributes_.is_star_sparse && !attributes_.is_sparse())
        refuse(errc::unsupported_format, "a sparse file as star writes it");
}

tar_parser::outcome tar_parser::begin_old_sparse(block header)
{
    is_sparse_ = true;
    const std::optional<std::int64_t> size = number(header, old_sparse_size);
    if (size && *size >= 0)
        file_bytes_ = static_cast<std::uint64_t>(*size);
    else
        map_.add(std::nullopt);
    if (!old_sparse_header.read(header, map_))
        return finish_entry();
    state_ = state::old_map;
    map_blocks_ = 0;
    return outcome::more;
}

/// Also of an entry that is refused: only its map says where the content begins.
tar_parser::outcome tar_parser::take_old_map(block part)
{
    if (++map_blocks_ > max_map_blocks)
        fail(errc::limit_exceeded, "the map of a sparse file is longer than 32 MiB");
    if (old_sparse_block.read(part, map_))
        return outcome::more;
    return finish_entry();
}

tar_parser::outcome tar_parser::begin_pax_sparse()
{
    is_sparse_ = true;
    file_bytes_ = attributes_.real_size.value_or(content_bytes_);
    if (attributes_.sparse_major.value_or(0) == 0) {
        if (attributes_.map)
            map_ = std::move(*attributes_.map);
        return finish_entry();
    }
    if (attributes_.sparse_major != 1u || attributes_.sparse_minor.value_or(0) != 0)
        refuse(errc::unsupported_format, "a sparse file of an unknown version");
    if (entry_.refusal || content_bytes_ < block_bytes) {
        map_.add(std::nullopt);
        return finish_entry();
    }
    map_reader_.restart();
    state_ = state::pax_map;
    return outcome::more;
}

tar_parser::outcome tar_parser::take_pax_map(block part)
{
    content_bytes_ -= std::min<std::uint64_t>(content_bytes_, block_bytes);
    if (map_reader_.read(part, map_))
        return finish_entry();
    if (content_bytes_ >= block_bytes)
        return outcome::more;
    map_.add(std::nullopt); // it goes on, but the content does not
    return finish_entry();
}

tar_parser::outcome tar_parser::finish_entry()
{
    state_ = state::header;
    if (is_sparse_)
        check_map();
    else {
        map_.add(0);
        map_.add(file_bytes_);
    }
    entry_.size = file_bytes_;
    entry_.stored_bytes = content_bytes_;
    if (file_bytes_ > limits_.max_entry_bytes)
        refuse(errc::limit_exceeded, "it has more than " + std::to_string(limits_.max_entry_bytes) + " bytes");
    first_offset_.reset();
    header_bytes_ = 0;
    long_name_.reset();
    long_link_.reset();
    global_.is_continued = false; // it is said of the first entry
    attributes_ = global_;
    return outcome::entry;
}

void tar_parser::check_map()
{
    if (map_.condition() == sparse_map::state::too_long)
        refuse(errc::limit_exceeded,
               "its data are in more than " + std::to_string(sparse_map::max_extents) + " places");
    else if (map_.condition() != sparse_map::state::good || !map_.fits(file_bytes_, content_bytes_))
        refuse(errc::corrupt_data, "the map of a sparse file contradicts itself, or its size");
}

void tar_parser::refuse(errc code, std::string_view why)
{
    if (!entry_.refusal)
        entry_.refusal = std::make_exception_ptr(error(code, "read", name_of_content(archive_, entry_.name), entry_.offset, why));
}

void tar_parser::fail(errc code, std::string_view why) const { throw error(code, "read", archive_, offset_, why); }

} // namespace weir::codecs::tar
