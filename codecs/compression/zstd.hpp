#pragma once
// zstd's header with what it offers to static users: allocators, estimates. Their signatures have not changed since
// 1.4, and every distribution's shared library exports them.

#include "compression/context.hpp"

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

namespace weir::codecs {

[[nodiscard]] inline ZSTD_customMem zstd_memory(library_memory& from) noexcept
{
    return {[](void* memory, std::size_t bytes) { return static_cast<library_memory*>(memory)->take(bytes); },
            [](void* memory, void* piece) { static_cast<library_memory*>(memory)->give_back(piece); }, &from};
}

/// Any content can be a dictionary, but one that begins like a trained one has to be whole: an encoder would only find
/// out in the first stream, and report it as a lack of memory.
/// \throws weir::error  `errc::bad_configuration`
void check_zstd_dictionary(const dictionary& given);

/// The window of a long stream with these settings.
[[nodiscard]] std::size_t zstd_window_bytes(const encoder_settings& settings);

[[nodiscard]] std::unique_ptr<context> make_zstd_encoder(const encoder_settings& settings,
                                                         std::pmr::memory_resource& from);
[[nodiscard]] std::unique_ptr<context> make_zstd_decoder(const decoder_settings& settings,
                                                         std::pmr::memory_resource& from);

} // namespace weir::codecs
