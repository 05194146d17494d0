#pragma once
// What the algorithms have in common: they find the end of one chunk at a time, in bytes that come in pieces.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace weir {

struct chunker_options;
enum class cpu_level : std::uint8_t;

namespace detail {

class boundary_scanner {
public:
    virtual ~boundary_scanner() = default;

    /// Takes bytes from the front of `data` until the chunk's end is decided, and gives the chunk's length; the next
    /// call begins a new chunk. Nothing if `data` ran out before: all of it is taken then.
    virtual std::optional<std::uint64_t> next(std::span<const std::uint8_t>& data) = 0;

    /// How many bytes were taken of the chunk whose end is not decided.
    [[nodiscard]] virtual std::uint64_t pending() const noexcept = 0;

    virtual void reset() noexcept = 0;
    [[nodiscard]] virtual std::string_view kernel() const noexcept = 0;
};

/// From options that `resolve` gave.
std::unique_ptr<boundary_scanner> make_weir1_scanner(const chunker_options& options, cpu_level level);
std::unique_ptr<boundary_scanner> make_fastcdc2020_scanner(const chunker_options& options);

} // namespace detail
} // namespace weir
