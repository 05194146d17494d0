#pragma once
// An encoder or a decoder behind one face, fed with slices, worked in short turns.

#include <weir/bytes.hpp>
#include <weir/coding_options.hpp>
#include <weir/decoder.hpp>
#include <weir/encoder.hpp>

#include <cstddef>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <variant>

namespace weir::codecs {

/// Everything but `turn` is cheap; that one is for a worker.
class stream_coder {
public:
    /// \throws weir::error  as `encoder`
    explicit stream_coder(const encoding_options& options);
    /// \param name  of the compressed stream, for messages
    /// \throws weir::error  as `decoder`, where the codec is named
    stream_coder(const decoding_options& options, std::string name);

    /// Appends to the input; what comes after the end of a stream that is not to be followed by others, or after an
    /// error, is dropped, as the rest of the input was then.
    /// \pre not finished
    void give(bytes piece);
    /// The input is whole.
    void finish() noexcept;

    /// Whether it can do nothing before `give` or `finish`.
    [[nodiscard]] bool hungry() const noexcept { return hungry_; }
    /// Whether the output is whole.
    [[nodiscard]] bool ended() const noexcept { return ended_; }

    /// Works for about 2 ms, or until `room` is full, it is hungry, or the output is whole.
    /// \returns  how many bytes of `room` it filled
    /// \throws weir::error  and the same again at every later call
    std::size_t turn(std::span<std::byte> room);

    /// See `decoding_source::take_unused`.
    [[nodiscard]] bytes take_unused() { return std::exchange(unused_, {}); }

private:
    std::size_t work(std::span<std::byte> room);
    bool choose_codec();
    [[nodiscard]] codec codec_for(std::span<const std::byte> start);
    void make_decoder(codec which);
    void keep_unused();
    void let_go() noexcept;
    template <class Coder> std::size_t run(Coder& coder, std::span<std::byte> room);
    template <class Coder> bool feed(Coder& coder);

    decoding_options options_; ///< of a decoder
    std::string name_;
    std::variant<std::monostate, encoder, decoder> coder_; ///< none before the codec is known, or after the end
    bytes input_;
    bytes unused_; ///< of the input, after the end, where it is asked for
    std::size_t pushed_ = 0; ///< of the input, at its front: the coder refers to it
    std::size_t piece_bytes_;
    bool finished_ = false;
    bool hungry_ = true;
    bool ended_ = false;
    std::exception_ptr failure_;
};

} // namespace weir::codecs
