#pragma once
// Which kernel of SHA-256 runs when so many messages are in work.

#include "sha256_kernels.hpp"

#include <weir/cpu.hpp>

#include <array>
#include <span>
#include <string_view>

namespace weir::hashing {

inline constexpr unsigned sha256_max_lanes = 16;

struct sha256_kernel {
    std::string_view name;
    sha256_function* run;
    unsigned lanes;
    unsigned fills_core_from = sha256_max_lanes + 1; ///< messages; then it suffers most beside a busy hyperthread
};

/// The fastest kernel for each number of messages in work.
struct sha256_plan {
    std::array<const sha256_kernel*, sha256_max_lanes + 1> kernels{}; ///< by the number of messages; none for 0
    std::size_t smallest_batch = 1; ///< below it OpenSSL is faster, one message after the other

    const sha256_kernel& widest() const noexcept { return *kernels.back(); }
};

/// The kernels that may run on `level` of this CPU; empty if there are none but OpenSSL's.
[[nodiscard]] std::span<const sha256_kernel> sha256_kernels_of(cpu_level level);

/// Chooses by the seconds that each kernel takes per block and lane.
[[nodiscard]] sha256_plan make_sha256_plan(std::span<const sha256_kernel> kernels, std::span<const double> seconds);

/// The plan for `level`, or null if OpenSSL is best for every number of messages.
///
/// Which kernel wins depends on the CPU's make and not on its instructions: on Sapphire Rapids sixteen lanes of
/// AVX-512 do 2.1 times OpenSSL and two streams of SHA-NI 1.2, on Zen 4 the streams 2.2 and the lanes 1.7. So they
/// are measured at the first call of a level, for 100 to 300 microseconds.
/// \par Thread-safety
/// Any threads.
[[nodiscard]] const sha256_plan* sha256_plan_for(cpu_level level);

} // namespace weir::hashing
