#pragma once
// Whole messages that are in memory, in one call, with a bound on what comes out. For streams see encoder and decoder.

#include <weir/buffer_pool.hpp>
#include <weir/codec_pool.hpp>
#include <weir/codec_settings.hpp>
#include <weir/export.hpp>

#include <cstddef>
#include <memory_resource>
#include <span>
#include <vector>

namespace weir {

// Each takes a context of `contexts` for the call, so many threads may share one pool. All of them throw what making an
// encoder or decoder and pulling from it throws; for `errc::limit_exceeded` nothing that was written counts.

/// Encodes `input` into `output`.
/// \returns  how many bytes were written
/// \throws weir::error  `errc::limit_exceeded`: it does not fit; `max_compressed_size` bytes always do.
[[nodiscard]] WEIR_API std::size_t compress(std::span<const std::byte> input, codec which, std::span<std::byte> output,
                                            const encoder_settings& settings = {},
                                            codec_pool& contexts = codec_pool::common());

/// Encodes `input` into a block of `blocks`.
/// \throws weir::error  as `buffer_pool::acquire_now` for `max_compressed_size` bytes
[[nodiscard]] WEIR_API buffer compress(std::span<const std::byte> input, codec which, buffer_pool& blocks,
                                       const encoder_settings& settings = {},
                                       codec_pool& contexts = codec_pool::common());

/// Encodes `input` into memory of `memory`; null is the default resource.
[[nodiscard]] WEIR_API std::pmr::vector<std::byte> compress(std::span<const std::byte> input, codec which,
                                                            const encoder_settings& settings = {},
                                                            std::pmr::memory_resource* memory = nullptr,
                                                            codec_pool& contexts = codec_pool::common());

/// Decodes `input` into `output`.
/// \returns  how many bytes were written
/// \throws weir::error  `errc::limit_exceeded`: it does not fit.
[[nodiscard]] WEIR_API std::size_t decompress(std::span<const std::byte> input, codec which,
                                              std::span<std::byte> output, const decoder_settings& settings = {},
                                              codec_pool& contexts = codec_pool::common());

/// Decodes `input` into a block of `blocks`.
/// \param max_bytes  the most that it may give, and the size of the block that is taken
/// \throws weir::error  `errc::limit_exceeded`: it gives more; and as `buffer_pool::acquire_now`
[[nodiscard]] WEIR_API buffer decompress(std::span<const std::byte> input, codec which, std::size_t max_bytes,
                                         buffer_pool& blocks, const decoder_settings& settings = {},
                                         codec_pool& contexts = codec_pool::common());

/// Decodes `input` into memory of `memory`, which grows with what comes; null is the default resource.
/// \throws weir::error  `errc::limit_exceeded`: it gives more than `max_bytes`.
[[nodiscard]] WEIR_API std::pmr::vector<std::byte> decompress(std::span<const std::byte> input, codec which,
                                                              std::size_t max_bytes,
                                                              const decoder_settings& settings = {},
                                                              std::pmr::memory_resource* memory = nullptr,
                                                              codec_pool& contexts = codec_pool::common());

} // namespace weir
