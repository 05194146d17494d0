#pragma once
// Which twin of each inner loop this CPU can run, and which one it is told to run.
//
// A kernel level is a set of instructions that a source file may use without asking again. Levels of one
// architecture stand in order: a CPU that has one has all below. `WEIR_CPU` forces a lower one, so that every twin
// can be tested and measured on one machine.

#include <weir/export.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace weir {

/// A set of instructions that kernels are written for.
enum class cpu_level : std::uint8_t {
    portable, ///< what the compiler takes for granted
    sse,      ///< x86-64 with SSSE3 and SSE4.1
    avx2,     ///< the same with AVX2, BMI1 and BMI2
    avx512,   ///< the same with AVX-512 F, BW, DQ, VL, VBMI, and GFNI
    neon,     ///< aarch64: every such CPU has it
};

/// The name that `WEIR_CPU` and reports use: `portable`, `sse`, `avx2`, `avx512`, `neon`.
[[nodiscard]] WEIR_API std::string_view to_string(cpu_level level) noexcept;

/// The highest level that CPU and operating system support here.
/// \par Cost
/// Looked up once per process.
[[nodiscard]] WEIR_API cpu_level detected_cpu_level() noexcept;

/// Whether the CPU has instructions for SHA-256 (SHA-NI on x86-64, the cryptographic extension on aarch64).
/// Kernels of every level above `portable` may use them: they are no part of a level, since some CPUs with AVX-512
/// lack them and some without AVX2 have them.
[[nodiscard]] WEIR_API bool cpu_has_sha() noexcept;

/// Every level that can run here, lowest first: for tests and benchmarks that go through them.
[[nodiscard]] WEIR_API std::vector<cpu_level> available_cpu_levels();

/// The level called `name`, if it can run here.
///
/// \throws weir::error `errc::kernel_unavailable`: no level has this name, or the CPU lacks it. The message names
///   the levels that can run here.
[[nodiscard]] WEIR_API cpu_level require_cpu_level(std::string_view name);

/// The level that kernels use by default: `WEIR_CPU` of the environment where it is set and not empty, else
/// `detected_cpu_level()`.
///
/// \throws weir::error as `require_cpu_level`, at every call while `WEIR_CPU` is wrong.
/// \par Thread-safety
/// Any threads.
/// \par Cost
/// The environment is read once per process.
[[nodiscard]] WEIR_API cpu_level active_cpu_level();

} // namespace weir
