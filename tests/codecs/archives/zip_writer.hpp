#pragma once
// Writes zip archives field by field, so that tests can make each of them a lie.

#include "../coding.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace test {

/// A header, local or of the directory.
struct zip_header {
    std::uint16_t made_by = 3 << 8 | 20; ///< unix
    std::uint16_t flags = 0;
    std::uint16_t method = 0;
    std::uint16_t time = 0;
    std::uint16_t date = 1 << 5 | 1; ///< 1980-01-01
    std::uint32_t crc = 0;
    std::uint64_t compressed = 0;
    std::uint64_t size = 0;
    std::string name = {};
    std::string extra = {};
    std::uint16_t disk = 0;
    std::uint32_t attributes = 0100644u << 16;
    std::uint64_t offset = 0;
    bool zip64 = false; ///< numbers go there, also small ones
};

using zip_change = std::function<void(zip_header&)>;

enum class zip_descriptor { none, plain, with_signature, wide, wide_with_signature };

struct zip_item {
    std::string name = "file";
    byte_vector content = {};
    std::uint16_t method = 0; ///< 0, 8, 14, 93 or 95; another stores
    zip_descriptor descriptor = zip_descriptor::none;
    zip_change change = nullptr;           ///< of both headers
    zip_change change_local = nullptr;     ///< after that
    zip_change change_directory = nullptr; ///< after that
    byte_vector appended = {};             ///< to the compressed content, and counted in its size
};

class little_endian_text {
public:
    template <class Number> little_endian_text& add(std::uint64_t value)
    {
        for (std::size_t i = 0; i < sizeof(Number); ++i)
            text_.push_back(static_cast<char>(value >> (8 * i)));
        return *this;
    }
    little_endian_text& add(std::string_view text)
    {
        text_ += text;
        return *this;
    }
    [[nodiscard]] std::string& text() noexcept { return text_; }

private:
    std::string text_;
};

inline std::string zip_extra(std::uint16_t number, std::string_view content)
{
    little_endian_text out;
    out.add<std::uint16_t>(number).add<std::uint16_t>(content.size()).add(content);
    return out.text();
}

[[nodiscard]] inline std::uint32_t zip_crc(byte_span content)
{
    std::uint32_t value = ~0u;
    for (const std::byte each : content) {
        value ^= std::to_integer<std::uint32_t>(each);
        for (int i = 0; i < 8; ++i)
            value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
    }
    return ~value;
}

/// Info-ZIP's field of a name in UTF-8, which is good beside the name `of`.
inline std::string zip_unicode_path(std::string_view of, std::string_view name)
{
    little_endian_text field;
    field.add<std::uint8_t>(1).add<std::uint32_t>(zip_crc(bytes_of(of))).add(name);
    return zip_extra(0x7075, field.text());
}

/// What a content is as data of a method.
inline byte_vector zip_data(byte_span content, std::uint16_t method)
{
    switch (method) {
    case 8: return encoded(weir::codec::deflate, content);
    case 93: return encoded(weir::codec::zstd, content);
    case 95: return encoded(weir::codec::xz, content, {.level = weir::codec_level::fastest});
    case 14: {
        const byte_vector alone = encoded(weir::codec::lzma, content, {.level = weir::codec_level::fastest});
        byte_vector out = bytes_of(std::string_view("\x09\x14\x05\x00", 4));
        out.insert(out.end(), alone.begin(), alone.begin() + 5);
        out.insert(out.end(), alone.begin() + 13, alone.end());
        return out;
    }
    default: return {content.begin(), content.end()};
    }
}

class zip_writer {
public:
    /// \returns  the offset of its local header
    std::uint64_t add(const zip_item& item)
    {
        const byte_vector data = joined({zip_data(item.content, item.method), item.appended});
        zip_header header;
        header.name = item.name;
        header.method = item.method;
        header.flags = (item.method == 14 ? 2 : 0) | (item.descriptor == zip_descriptor::none ? 0 : 8);
        header.crc = zip_crc(item.content);
        header.compressed = data.size();
        header.size = item.content.size();
        header.offset = text_.text().size();
        if (item.change)
            item.change(header);
        zip_header local = header;
        if (item.descriptor != zip_descriptor::none)
            local.crc = 0, local.compressed = local.size = 0;
        if (item.change_local)
            item.change_local(local);
        write_local(local);
        text_.add({reinterpret_cast<const char*>(data.data()), data.size()});
        write_descriptor(item.descriptor, header);
        if (item.change_directory)
            item.change_directory(header);
        directory_.push_back(header);
        return header.offset;
    }

    /// Bytes between the entries.
    void add_raw(std::string_view text) { text_.add(text); }
    [[nodiscard]] std::vector<zip_header>& directory() noexcept { return directory_; }

    std::string comment = {};
    bool zip64_end = false;
    std::string zip64_data; ///< of its end record, extensible
    std::function<void(zip_header& numbers)> change_end = nullptr; ///< size: entries; compressed: bytes; offset; disk

    [[nodiscard]] byte_vector finish()
    {
        zip_header end;
        end.offset = text_.text().size();
        for (const zip_header& each : directory_)
            write_directory(each);
        end.compressed = text_.text().size() - end.offset;
        end.size = directory_.size();
        if (change_end)
            change_end(end);
        write_end(end);
        return bytes_of(text_.text());
    }

private:
    static std::uint64_t narrow(const zip_header& of, std::uint64_t value) { return of.zip64 ? 0xffffffff : value; }

    static std::string extra_of(const zip_header& of, bool local)
    {
        if (!of.zip64)
            return of.extra;
        little_endian_text numbers;
        numbers.add<std::uint64_t>(of.size).add<std::uint64_t>(of.compressed);
        if (!local)
            numbers.add<std::uint64_t>(of.offset);
        return zip_extra(1, numbers.text()) + of.extra;
    }

    void write_common(const zip_header& of)
    {
        text_.add<std::uint16_t>(20).add<std::uint16_t>(of.flags).add<std::uint16_t>(of.method);
        text_.add<std::uint16_t>(of.time).add<std::uint16_t>(of.date).add<std::uint32_t>(of.crc);
        text_.add<std::uint32_t>(narrow(of, of.compressed)).add<std::uint32_t>(narrow(of, of.size));
    }

    void write_local(const zip_header& of)
    {
        const std::string extra = extra_of(of, true);
        text_.add("PK\3\4");
        write_common(of);
        text_.add<std::uint16_t>(of.name.size()).add<std::uint16_t>(extra.size()).add(of.name).add(extra);
    }

    void write_descriptor(zip_descriptor kind, const zip_header& of)
    {
        if (kind == zip_descriptor::none)
            return;
        if (kind == zip_descriptor::with_signature || kind == zip_descriptor::wide_with_signature)
            text_.add("PK\7\10");
        text_.add<std::uint32_t>(of.crc);
        if (kind == zip_descriptor::wide || kind == zip_descriptor::wide_with_signature)
            text_.add<std::uint64_t>(of.compressed).add<std::uint64_t>(of.size);
        else
            text_.add<std::uint32_t>(of.compressed).add<std::uint32_t>(of.size);
    }

    void write_directory(const zip_header& of)
    {
        const std::string extra = extra_of(of, false);
        text_.add("PK\1\2").add<std::uint16_t>(of.made_by);
        write_common(of);
        text_.add<std::uint16_t>(of.name.size()).add<std::uint16_t>(extra.size()).add<std::uint16_t>(0);
        text_.add<std::uint16_t>(of.disk).add<std::uint16_t>(0).add<std::uint32_t>(of.attributes);
        text_.add<std::uint32_t>(narrow(of, of.offset)).add(of.name).add(extra);
    }

    void write_end(const zip_header& end)
    {
        if (zip64_end) {
            const std::uint64_t at = text_.text().size();
            text_.add("PK\6\6").add<std::uint64_t>(44 + zip64_data.size()).add<std::uint16_t>(45).add<std::uint16_t>(45);
            text_.add<std::uint32_t>(end.disk).add<std::uint32_t>(0);
            text_.add<std::uint64_t>(end.size).add<std::uint64_t>(end.size);
            text_.add<std::uint64_t>(end.compressed).add<std::uint64_t>(end.offset);
            text_.add(zip64_data);
            text_.add("PK\6\7").add<std::uint32_t>(0).add<std::uint64_t>(at).add<std::uint32_t>(1);
        }
        text_.add("PK\5\6").add<std::uint16_t>(end.disk).add<std::uint16_t>(0);
        text_.add<std::uint16_t>(zip64_end ? 0xffff : end.size).add<std::uint16_t>(zip64_end ? 0xffff : end.size);
        text_.add<std::uint32_t>(zip64_end ? 0xffffffff : end.compressed);
        text_.add<std::uint32_t>(zip64_end ? 0xffffffff : end.offset);
        text_.add<std::uint16_t>(comment.size()).add(comment);
    }

    little_endian_text text_;
    std::vector<zip_header> directory_;
};

} // namespace test
