#pragma once
// The content of one entry of a zip archive: decoded, counted, and checked against what its header says.

#include "archives/zip_checksum.hpp"
#include "archives/zip_entry.hpp"
#include "archives/zip_input.hpp"

#include <weir/archive.hpp>
#include <weir/coding_source.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>

namespace weir {
class engine;
}

namespace weir::codecs::zip {

/// Counts and digests what is given of a content.
class content_check {
public:
    /// \param name  of the content, for messages
    explicit content_check(std::string name) noexcept : name_(std::move(name)) {}

    void add(const bytes& piece);

    /// \throws weir::error  `errc::corrupt_data`: so many bytes are not what was declared
    void require_within(std::uint64_t declared) const;
    /// \throws weir::error  `errc::corrupt_data`, `errc::checksum_mismatch`
    void require(std::uint64_t size, std::uint32_t crc) const;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint32_t crc() const noexcept { return checksum_.value(); }

private:
    std::string name_;
    std::uint64_t size_ = 0;
    checksum checksum_;
};

/// A source that decodes `data` as a method has it. `size`: where it is known.
/// \param finds_end  the data may go on behind the stream: what is not used of it can be asked for. Else nothing may
///                   follow.
/// \pre `codec_of(method)` is built in, and not `identity`
[[nodiscard]] std::unique_ptr<decoding_source> decode(engine& owner, std::unique_ptr<source> data, std::uint16_t method,
                                                      std::uint16_t flags, std::optional<std::uint64_t> size,
                                                      bool finds_end, const archive_options& options);

/// Whether a local header says the same as the directory.
/// \throws weir::error  `errc::corrupt_data` names what differs
void require_agreement(const header& local, const content_place& directory, std::string_view name);

/// The content of an entry whose place a directory tells.
/// \param name  "ARCHIVE/ENTRY"
[[nodiscard]] std::unique_ptr<source> open_content(engine& owner, random_access_input& input,
                                                   std::shared_ptr<const content_place> place, std::string name,
                                                   const archive_options& options);

} // namespace weir::codecs::zip
