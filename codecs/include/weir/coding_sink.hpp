#pragma once
// Any sink, written to in compressed form, or with what comes in compressed.

#include <weir/coding_options.hpp>
#include <weir/export.hpp>
#include <weir/sink.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace weir {

class engine;

namespace codecs {
class sink_core;
}

/// What both share.
///
/// The contents of the chunks are one stream, which is coded by the engine's workers, block by block; another sink gets
/// what becomes of it, as chunks of up to a block with their offsets and without digests. It holds two blocks of the
/// engine's pool, or two of its own, of 64 KiB, where that has none free when the sink is made, or of `buffer_bytes`; a
/// sink behind that keeps both is waited for.
/// \par Thread-safety
/// One call at a time, as every sink. Engine and target outlive it.
class WEIR_API coding_sink : public sink {
public:
    ~coding_sink() override;

    /// Codes the content of the chunks, and writes each block that gets full.
    /// \throws weir::error  of the target as it is; of the codec as `decoder::pull`; no later call succeeds.
    /// \par Cancellation
    /// terminal, partial, total: some of the content may have been written; no later call succeeds.
    [[nodiscard]] boost::asio::awaitable<void> write(std::span<chunk> chunks) override;

    /// That of the target.
    [[nodiscard]] std::optional<boost::asio::awaitable<void>> watch() override;

    /// Writes the end of the stream, then finishes the target.
    /// \throws weir::error  as `write`; `errc::truncated`: what came in is not a whole compressed stream
    [[nodiscard]] boost::asio::awaitable<void> finish() override;

protected:
    explicit coding_sink(std::shared_ptr<codecs::sink_core> core) noexcept;

private:
    std::shared_ptr<codecs::sink_core> core_; // shared with a worker's turn
};

/// Writes the compressed form of what comes in.
class WEIR_API encoding_sink final : public coding_sink {
public:
    /// \throws weir::error  `errc::codec_unavailable`; `errc::bad_configuration` names the setting, which may be
    ///                      `threads`: a library that waits for its own would hold up all others on the worker
    encoding_sink(engine& owner, sink& target, const encoding_options& options);
};

/// Writes what comes in compressed.
class WEIR_API decoding_sink final : public coding_sink {
public:
    /// Where the codec is found by the first bytes, a dictionary of the settings is for zstd only.
    /// \param name  of what comes in, for messages
    /// \throws weir::error  as `decoder`, where the codec is named
    decoding_sink(engine& owner, sink& target, const decoding_options& options = {}, std::string name = {});
};

} // namespace weir
