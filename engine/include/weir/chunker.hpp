#pragma once
// Says where chunks end: content-defined (weir1, FastCDC 2020) or at fixed sizes.
//
// A chunker is a plain class over bytes. It keeps no data: the caller has the bytes and cuts them where the ends say.
// However the bytes are split over calls, and whichever kernel runs, the ends are the same.

#include <weir/cpu.hpp>
#include <weir/export.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace weir {

/// How chunk ends are found. The cuts of each are frozen: they never change in a later version.
enum class chunk_algorithm : std::uint8_t {
    weir1,       ///< made for vector units; docs/weir1.md is its specification
    fastcdc2020, ///< bit-identical to the published FastCDC of 2020
    fixed,       ///< every chunk has the same size but the last
};

/// `weir1`, `fastcdc2020`, `fixed`: what configuration files and reports call an algorithm.
[[nodiscard]] WEIR_API std::string_view to_string(chunk_algorithm algorithm) noexcept;
/// The algorithm called `name`; nothing if there is none.
[[nodiscard]] WEIR_API std::optional<chunk_algorithm> parse_chunk_algorithm(std::string_view name) noexcept;

/// What a chunker is made from. Sizes are in bytes.
///
/// On random data the mean size of weir1 is within 5% of `average` when `min` and `max` are left at their defaults;
/// that of fastcdc2020 is 1.13 to 1.35 times `average`, by data and level.
struct chunker_options {
    chunk_algorithm algorithm = chunk_algorithm::weir1;
    std::size_t min = 0;               ///< 64 to 1 MiB; 0: a quarter of `average`
    std::size_t average = 1024 * 1024; ///< 256 to 4 MiB; the size itself of `fixed`, 64 to 16 MiB
    std::size_t max = 0;               ///< 1 KiB to 16 MiB; 0: four times `average`
    /// How narrowly sizes gather around the average, 0 to 3. -1: the algorithm's default (2 of weir1, 1 of
    /// fastcdc2020).
    int normalization = -1;
    std::uint64_t seed = 0; ///< fastcdc2020 only: every entry of the gear table is XORed with it
    /// weir1 only: other cuts for who does not know it. No security boundary: docs/weir1.md says what it cannot hide.
    std::optional<std::array<std::byte, 32>> secret = {};

    friend bool operator==(const chunker_options&, const chunker_options&) = default;
};

/// Options for chunks of `average` bytes, 256 to 4 MiB, all else at its default. The size is checked by `resolve`, and so
/// by all that takes options; here and in the next two.
[[nodiscard]] WEIR_API chunker_options weir1(std::size_t average) noexcept;
/// The same for fastcdc2020.
[[nodiscard]] WEIR_API chunker_options fastcdc2020(std::size_t average) noexcept;
/// Chunks of `size` bytes, 64 to 16 MiB.
[[nodiscard]] WEIR_API chunker_options fixed(std::size_t size) noexcept;

/// The options with every default filled in.
///
/// \throws weir::error
///   `errc::bad_chunk_sizes`: a size is out of its range, or not min <= average <= max; the message names the value
///   and the range allowed.
///   `errc::bad_configuration`: `normalization`, `seed` or `secret` has no meaning for the algorithm.
[[nodiscard]] WEIR_API chunker_options resolve(const chunker_options& options);

/// Finds the ends of the chunks of one stream after the other.
///
/// A chunk's end depends on the bytes of that chunk alone (and one byte more in fastcdc2020), so equal content after
/// a cut is cut alike. It is reported by the call that decides it, at the latest when `max` bytes of the chunk have
/// been pushed.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time.
class WEIR_API chunker {
public:
    /// \param level  the kernels to use; above what the CPU has is `errc::kernel_unavailable`
    /// \throws weir::error as `resolve` and `active_cpu_level`
    explicit chunker(const chunker_options& options, cpu_level level = active_cpu_level());
    chunker(chunker&&) noexcept;
    chunker& operator=(chunker&&) noexcept;
    ~chunker();

    /// Takes the next bytes of the stream and appends to `ends` the end of every chunk that is decided by now, as an
    /// offset from the start of the stream, in rising order. `data` need not live on after the call.
    /// \par Cost
    /// No allocation but by the growth of `ends`. Most of the first `min` bytes of each chunk are skipped: of these weir1
    /// reads the last 127, fastcdc2020 one at most; besides, weir1 copies the last 127 bytes of a call.
    void push(std::span<const std::byte> data, std::vector<std::uint64_t>& ends);

    /// The stream ends here: appends the end of the last chunk if bytes remain, then begins a new stream.
    void finish(std::vector<std::uint64_t>& ends);

    /// Forgets the stream and begins a new one.
    void reset() noexcept;

    /// As resolved: no field is left at "default".
    [[nodiscard]] const chunker_options& options() const noexcept;
    /// The frozen identifier of the algorithm: what an index stores to know how its chunks were cut.
    [[nodiscard]] std::string_view id() const noexcept;
    /// The inner loop that runs, for reports: `weir1-avx2`.
    [[nodiscard]] std::string_view kernel() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace weir
