#pragma once
// lz4's header with what it offers to static users: allocators, and error codes as numbers.

#include "compression/context.hpp"

#define LZ4F_STATIC_LINKING_ONLY
#include <lz4frame.h>

namespace weir::codecs {

/// Memory for the library; anything with `take` and `give_back`.
template <class Memory> [[nodiscard]] LZ4F_CustomMem lz4_memory(Memory& from) noexcept
{
    return {[](void* memory, std::size_t bytes) { return static_cast<Memory*>(memory)->take(bytes); }, nullptr,
            [](void* memory, void* piece) { static_cast<Memory*>(memory)->give_back(piece); }, &from};
}

/// The library's number of the level.
/// \throws weir::error  `errc::bad_configuration` names the setting
[[nodiscard]] int lz4_level(const encoder_settings& settings);

[[nodiscard]] std::unique_ptr<context> make_lz4_encoder(const encoder_settings& settings,
                                                        std::pmr::memory_resource& from);
[[nodiscard]] std::unique_ptr<context> make_lz4_decoder(const decoder_settings& settings,
                                                        std::pmr::memory_resource& from);

} // namespace weir::codecs
