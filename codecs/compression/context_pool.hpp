#pragma once
// The idle contexts of a codec_pool, which outlives it as long as an encoder or decoder has one of them.

#include "compression/context.hpp"

#include <weir/codec_pool.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <variant>
#include <vector>

namespace weir::codecs {

using any_settings = std::variant<encoder_settings, decoder_settings>;

class context_pool {
public:
    explicit context_pool(const codec_pool_options& options);

    /// An idle context for such streams, or a new one; started.
    template <class Settings> [[nodiscard]] std::unique_ptr<context> take(codec which, const Settings& settings);
    /// Keeps it for the next, if there is room.
    template <class Settings>
    void give_back(codec which, const Settings& settings, std::unique_ptr<context> used) noexcept;
    template <class Settings> void prepare(codec which, const Settings& settings, std::size_t count);
    void clear() noexcept;
    [[nodiscard]] codec_pool_statistics statistics() const;
    [[nodiscard]] std::pmr::memory_resource& memory() const noexcept { return memory_; }

private:
    struct idle_context {
        codec which;
        any_settings settings;
        std::size_t bytes;
        std::unique_ptr<context> held;
    };

    template <class Settings> std::unique_ptr<context> find(codec which, const Settings& settings);
    template <class Settings> std::unique_ptr<context> make(codec which, const Settings& settings);
    [[nodiscard]] std::size_t how_many(std::size_t bytes) const noexcept;
    [[nodiscard]] bool is_full(std::size_t bytes) const noexcept;
    std::unique_ptr<context> make_room(std::size_t bytes);
    std::unique_ptr<context> take_oldest() noexcept;

    const std::size_t max_idle_;
    const std::size_t max_idle_bytes_;
    const std::size_t max_context_bytes_;
    std::pmr::memory_resource& memory_;
    mutable std::mutex mutex_;
    std::vector<idle_context> idle_; ///< the one that was used last is the last
    std::size_t idle_bytes_ = 0;     ///< that those of the list hold
    std::atomic<std::uint64_t> made_ = 0;
    std::atomic<std::uint64_t> reused_ = 0;
};

} // namespace weir::codecs
