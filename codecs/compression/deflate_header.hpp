#pragma once
// The headers of gzip and zlib, however they are cut. Raw deflate has none.

#include "compression/context.hpp"
#include "compression/stream_start.hpp"

namespace weir::codecs {

/// Reads one header after the other, and judges them as zlib does.
/// \see RFC 1950, section 2.2; RFC 1952, section 2.3
class deflate_header {
public:
    /// \param verify  whether to check the checksum of gzip's header
    deflate_header(codec which, bool verify) noexcept : which_(which), verify_(verify) {}

    void start() noexcept;
    /// Takes what belongs to the header.
    /// \returns  whether it is whole
    /// \throws failure
    bool read(std::span<const std::byte>& input);

private:
    /// Of gzip, in their order.
    enum class field { method, time_and_system, extra_size, extra, name, comment, checksum, end };

    bool read_zlib(std::span<const std::byte>& input);
    bool read_gzip(std::span<const std::byte>& input);
    bool take(std::span<const std::byte>& input);
    void check();
    [[nodiscard]] bool has(field which) const noexcept;

    const codec which_;
    const bool verify_;
    stream_start<6> bytes_; // of the field at hand
    field field_ = field::method;
    unsigned flags_ = 0;
    std::size_t extra_ = 0; // bytes of the extra field that are yet to come
    std::uint32_t checksum_ = 0;
};

} // namespace weir::codecs
