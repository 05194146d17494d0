#pragma once
// The kernels of SHA-256 that can run here.

#include "hashing/sha256_plan.hpp"

#include <weir/cpu.hpp>

#include <vector>

namespace weir::hashing {
sha256_function sha256_emulated_avx512_x16; // sha256_emulated.cpp
}

namespace test {

/// All that can run here, also those that would never win.
inline std::vector<weir::hashing::sha256_kernel> every_sha256_kernel()
{
    using namespace weir::hashing;
    std::vector<sha256_kernel> kernels{{"portable-x1", sha256_portable_x1, 1}};
#if WEIR_HAVE_SIMDE
    kernels.push_back({"emulated-avx512-x16", sha256_emulated_avx512_x16, 16});
#endif
    for (weir::cpu_level level : weir::available_cpu_levels()) {
        for (const sha256_kernel& kernel : sha256_kernels_of(level))
            kernels.push_back(kernel);
#if defined(__x86_64__)
        if (level == weir::cpu_level::avx2)
            kernels.push_back({"avx2-x8", sha256_avx2_x8, 8});
#endif
    }
    return kernels;
}

} // namespace test
