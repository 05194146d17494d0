// The AVX-512 kernel with its instructions emulated, so that its logic is tested on any CPU.

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#define sha256_avx512_x16 sha256_emulated_avx512_x16
#include "hashing/sha256_kernels.hpp"

#include "hashing/sha256_avx512.cpp"
