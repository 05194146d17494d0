#pragma once
// What the encoders and decoders of liblzma share.

#include "compression/context.hpp"

#include <lzma.h>

namespace weir::codecs {

/// A stream of the library with memory of ours. Begun again, it keeps what it has allocated where that still fits.
class lzma_coder {
public:
    explicit lzma_coder(library_memory& from) noexcept
        : allocator_{[](void* memory, std::size_t count, std::size_t size) {
                         return static_cast<library_memory*>(memory)->take(count * size);
                     },
                     [](void* memory, void* piece) { static_cast<library_memory*>(memory)->give_back(piece); }, &from}
    {
        stream_.allocator = &allocator_;
    }
    lzma_coder(const lzma_coder&) = delete;
    lzma_coder& operator=(const lzma_coder&) = delete;
    ~lzma_coder() { lzma_end(&stream_); }

    [[nodiscard]] lzma_stream& stream() noexcept { return stream_; }
    [[nodiscard]] const lzma_allocator& allocator() const noexcept { return allocator_; }

    /// One call of `lzma_code`; cuts off what it used.
    lzma_ret turn(std::span<const std::byte>& input, std::span<std::byte>& output, lzma_action action) noexcept;

private:
    lzma_allocator allocator_;
    lzma_stream stream_ = LZMA_STREAM_INIT;
};

/// What the settings are to the library.
/// \throws weir::error  `errc::bad_configuration` names the setting
[[nodiscard]] lzma_options_lzma lzma_options_of(codec which, const encoder_settings& settings);

/// For decoders.
/// \throws failure  unless `result` says that all is well; `std::bad_alloc`
void check_decoding(lzma_ret result);

[[nodiscard]] std::unique_ptr<context> make_xz_decoder(const decoder_settings& settings,
                                                       std::pmr::memory_resource& from);

} // namespace weir::codecs
