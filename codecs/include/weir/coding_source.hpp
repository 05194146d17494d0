#pragma once
// Any source, encoded or decoded while it is read.

#include <weir/coding_options.hpp>
#include <weir/export.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string_view>

namespace weir {

class engine;

namespace codecs {
class source_core;
}

/// What both share.
///
/// The codec works on the engine's workers: inline where the source is read from one of them, as a flow does, else it
/// goes there for each piece of at most 128 KiB of output. Output fills blocks of the reader's reservation. Input is
/// read into two blocks of the engine's pool, or two of its own, of 64 KiB, where that has none free, or of
/// `buffer_bytes`: it never waits for memory while it holds some.
/// \par Thread-safety
/// One call at a time, as every source. The engine outlives it.
class WEIR_API coding_source : public source {
public:
    ~coding_source() override;

    /// Gives the next bytes; waits for input, a block, or a worker.
    ///
    /// \throws weir::error  of the input as it is; of the codec with the name of the input and the offset in it, as
    ///                      `decoder::pull`; `errc::closed` after `close`. No later call succeeds.
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost that the input does not lose; the next call goes on.
    [[nodiscard]] boost::asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override;

    /// The input's.
    [[nodiscard]] std::string_view name() const noexcept override;

    /// Gives back memory and context, then closes the input.
    [[nodiscard]] boost::asio::awaitable<void> close() override;

protected:
    explicit coding_source(std::unique_ptr<codecs::source_core> core) noexcept;
    [[nodiscard]] bytes take_rest();

private:
    std::unique_ptr<codecs::source_core> core_;
};

/// The compressed form of another source.
class WEIR_API encoding_source final : public coding_source {
public:
    /// \throws weir::error  `errc::codec_unavailable`; `errc::bad_configuration` names the setting, which may be
    ///                      `threads`: a library that waits for its own would hold up all others on the worker
    encoding_source(engine& owner, std::unique_ptr<source> input, const encoding_options& options);
};

/// What another source is the compressed form of.
class WEIR_API decoding_source final : public coding_source {
public:
    /// Where the codec is found by the first bytes, a dictionary of the settings is for zstd only.
    /// \throws weir::error  as `decoder`, where the codec is named
    decoding_source(engine& owner, std::unique_ptr<source> input, const decoding_options& options = {});

    /// What was read of the input and does not belong to the first stream, once its end was given. Empty without
    /// `decoding_options::keep_unused`, and the second time.
    [[nodiscard]] bytes take_unused() { return take_rest(); }
};

} // namespace weir
