#pragma once
// Contexts of codecs that wait for their next stream: making one costs more than encoding a short message.

#include <weir/codec_settings.hpp>
#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>

namespace weir {

namespace codecs {
class context_pool;
}

struct codec_pool_options {
    std::size_t max_idle = 64;                                   ///< contexts that are kept, of all kinds; up to 4096
    std::size_t max_idle_bytes = std::size_t{256} << 20;         ///< memory that they may hold together
    /// Where the libraries' memory comes from; null: the default resource. Used from any thread; outlives the pool and
    /// every encoder and decoder made from it.
    std::pmr::memory_resource* memory = nullptr;
};

struct codec_pool_statistics {
    std::size_t idle = 0;         ///< contexts that wait
    std::size_t idle_bytes = 0;   ///< the memory that they hold
    std::uint64_t made = 0;       ///< contexts that were made, beforehand or when one was needed
    std::uint64_t reused = 0;     ///< streams that found one
};

/// Keeps the contexts of encoders and decoders between their streams, by codec and settings; the limits of a
/// decoder's output do not count among those.
///
/// An encoder or decoder takes a context when it is made and gives it back at its end. What was idle for longest goes
/// when there is no room; what met an error is not kept.
/// \par Thread-safety
/// All functions but construction and destruction: any threads. Encoders and decoders may outlive it.
class WEIR_API codec_pool {
public:
    explicit codec_pool(const codec_pool_options& options = {});
    codec_pool(const codec_pool&) = delete;
    codec_pool& operator=(const codec_pool&) = delete;
    ~codec_pool();

    /// The pool of the process, made on first use; never destroyed.
    [[nodiscard]] static codec_pool& common();

    /// Makes contexts until `count` are idle for such encoders, as far as the limits of the pool allow.
    /// \throws weir::error  `errc::codec_unavailable`; `errc::bad_configuration` names the setting
    void prepare_encoders(codec which, const encoder_settings& settings, std::size_t count);
    /// The same for decoders.
    void prepare_decoders(codec which, const decoder_settings& settings, std::size_t count);

    /// Frees what is idle.
    void clear();

    [[nodiscard]] codec_pool_statistics statistics() const;

    /// For encoders and decoders.
    [[nodiscard]] const std::shared_ptr<codecs::context_pool>& contexts() const noexcept { return contexts_; }

private:
    std::shared_ptr<codecs::context_pool> contexts_;
};

} // namespace weir
