#pragma once
// What the contents of an archive may come to together: else entries that are each within their limits are a bomb.

#include <weir/archive.hpp>

#include <cstdint>

namespace weir::codecs {

/// Whether so much output for so much input is past the ratio that a decoder allows.
[[nodiscard]] bool passes_ratio(std::uint64_t output, std::uint64_t input, const decoder_settings& limits) noexcept;

class content_budget {
public:
    explicit content_budget(const archive_options& options) noexcept
        : max_bytes_(options.limits.max_content_bytes), ratio_(options.decoder)
    {}

    /// Counts contents, also those that pass a limit.
    /// \param archive_bytes  that the archive has up to their end, or as a whole
    /// \returns  the limit that they pass, those before them included; null: none. What is empty passes none.
    [[nodiscard]] const char* add(std::uint64_t bytes, std::uint64_t archive_bytes) noexcept;

private:
    const std::uint64_t max_bytes_;
    const decoder_settings ratio_;
    std::uint64_t sum_ = 0;
};

} // namespace weir::codecs
