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
    /// Memory that one may hold: else a header that asks for the largest window would cost all others their place.
    std::size_t max_context_bytes = std::size_t{16} << 20;
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
/// when there is no room; what met an error, or has threads (`encoder_settings::threads`), is not kept.
/// \par Thread-safety
/// All functions but construction and destruction: any threads. Encoders and decoders may outlive it.
/// \par After `fork`
/// A child may use the pool, and what is idle in it, if no other thread was making, ending or using an encoder or
/// decoder when it was forked. An encoder with threads must be neither used nor destroyed there: its threads are not in
/// the child, and it would wait for them.
class WEIR_API codec_pool {
public:
    /// Limits that are too high are lowered: `max_idle` to 4096, `max_context_bytes` to `max_idle_bytes`.
    explicit codec_pool(const codec_pool_options& options = {});
    codec_pool(const codec_pool&) = delete;
    codec_pool& operator=(const codec_pool&) = delete;
    ~codec_pool();

    /// The pool of the process, made on first use; never destroyed. Its memory is that of `operator new`, whatever the
    /// default resource is.
    [[nodiscard]] static codec_pool& common();

    /// Makes contexts until `count` are idle for such encoders, as far as the limits of the pool allow. A small stream
    /// goes through each new one: the next that is like it finds the memory that it needs.
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
