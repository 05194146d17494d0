#pragma once
// The content of a file through an encoder or a decoder.

#include "block_io.hpp"

#include <weir/codec_settings.hpp>
#include <weir/mapped_file.hpp>
#include <weir/parallel_decoding.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace tool {

struct coded {
    weir::codec which = weir::codec::identity;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
};

/// Encodes or decodes one file after the other, with the same memory.
class file_coder {
public:
    file_coder();

    /// Writes all but the last block: `out.finish()` is the caller's.
    /// \throws weir::error  of reading and of the encoder; output_error
    coded encode(block_reader& in, weir::codec which, const weir::encoder_settings& settings, block_writer& out);

    /// The same by several threads, piece by piece.
    coded encode(block_reader& in, weir::codec which, const weir::encoder_settings& settings,
                 const weir::parallel_options& how, block_writer& out);

    /// The same the other way round.
    /// \param which      nothing: by the first bytes
    /// \param pass_unknown  whether what begins as no known format is copied
    /// \param as_it_comes  whether `out` gets what is decoded before more input is waited for
    /// \throws weir::error  of reading; of the decoder, with the name of the file; output_error
    coded decode(block_reader& in, std::optional<weir::codec> which, bool pass_unknown, weir::decoder_settings settings,
                 bool as_it_comes, block_writer& out);
    /// By several threads, where the stream has pieces.
    /// \throws weir::error  `errc::mapping_broken`, too: the file was cut short meanwhile
    coded decode(const weir::mapped_file& in, std::optional<weir::codec> which, bool pass_unknown,
                 weir::decoder_settings settings,
                 const weir::parallel_decoding_options& how, block_writer& out);

private:
    std::unique_ptr<std::byte[]> input_;
};

} // namespace tool
