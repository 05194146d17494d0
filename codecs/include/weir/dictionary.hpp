#pragma once
// Content that encoder and decoder know beforehand, so that short messages compress well.

#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace weir {

/// A dictionary of zstd: one that was trained, or any content. Copies share it; a default-made one is empty.
///
/// Two are equal if they are copies of one another.
/// \par Thread-safety
/// As a `std::shared_ptr`.
class WEIR_API dictionary {
public:
    dictionary() noexcept = default;
    /// Copies `content`.
    explicit dictionary(std::span<const std::byte> content);

    [[nodiscard]] std::span<const std::byte> content() const noexcept;
    [[nodiscard]] bool empty() const noexcept { return content_ == nullptr; }
    /// The number by which frames name it; 0 for content that was not trained.
    [[nodiscard]] std::uint32_t id() const noexcept;

    friend bool operator==(const dictionary&, const dictionary&) noexcept = default;

private:
    std::shared_ptr<const std::vector<std::byte>> content_;
};

/// Makes a dictionary of typical messages.
///
/// \param samples    a hundred messages or more, together about a hundred times `max_bytes`
/// \param max_bytes  of the dictionary; 16 to 112 KiB are usual
/// \throws weir::error
///   `errc::codec_unavailable`: zstd is not built in.
///   `errc::bad_configuration`: the samples are too few or too small; the message says what the library said.
/// \par Cost
/// Seconds for tens of MiB: nothing for an executor's thread.
[[nodiscard]] WEIR_API dictionary train_dictionary(std::span<const std::span<const std::byte>> samples,
                                                   std::size_t max_bytes = std::size_t{112} << 10);

} // namespace weir
