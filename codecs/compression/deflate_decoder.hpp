#pragma once
// Decoders of gzip, zlib and raw deflate: what they have in common, whichever library inflates.

#include "compression/context.hpp"
#include "compression/stream_start.hpp"

namespace weir::codecs {

/// Takes one stream after the other, or one member of gzip; sees to what may be before, between and after them.
class deflate_decoder : public context {
public:
    void start() final;
    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) final;

protected:
    deflate_decoder(codec which, const decoder_settings& settings, std::pmr::memory_resource& from);

    /// A stream or member begins.
    virtual void begin_member() = 0;
    /// Works on one stream or member, from its header to its checksum, as `run` does; takes nothing that follows it.
    /// \pre `output` has at most 1 GiB
    /// \returns  whether it is whole
    virtual bool inflate_member(std::span<const std::byte>& input, std::span<std::byte>& output) = 0;

    const codec which_;

private:
    enum class step { first, body, ended };

    bool begin(std::span<const std::byte>& input);
    bool end_of_stream(std::span<const std::byte>& input, bool last);
    bool inflate_some(std::span<const std::byte>& input, std::span<std::byte>& output, bool last);

    const bool concatenated_;
    stream_start<2> start_;
    step step_ = step::first;
    bool padded_ = false; // zeros follow the last member
};

/// Of the library that was chosen at build time: ISA-L, else zlib.
[[nodiscard]] std::unique_ptr<context> make_deflate_decoder(codec which, const decoder_settings& settings,
                                                            std::pmr::memory_resource& from);
[[nodiscard]] std::size_t deflate_decoder_memory() noexcept;
/// Its name and version.
[[nodiscard]] std::string deflate_decoder_version();

} // namespace weir::codecs
