#pragma once
// The inner loop of weir1 and its twins. docs/weir1.md specifies the function.
//
// This header holds plain data and declarations only: the sources of kernels are compiled for CPUs that may not be
// there, so nothing inline or templated may be shared with the rest of the library.

#include <cstddef>
#include <cstdint>

namespace weir::detail {

/// The function f, and what its values are compared with.
struct weir1_function {
    std::uint8_t reduction[5]; // of the multiplications in the five doublings; odd
    std::uint8_t target;       // XORed to f(i-32) before it is compared
    std::uint64_t matrix[5];   // the same multiplications for gf2p8affineqb
};

/// Which bits must be ones: mask[0] in f(i) ^ f(i-32), mask[1] in f(i-32) ^ target. Further bits of the test are
/// looked at by the caller, at the few positions that come so far.
struct weir1_mask {
    std::uint8_t mask[2];
};

/// How many bytes before `data` a kernel may read. Its result depends on 63 of them.
constexpr std::size_t weir1_lookback = 128;

/// The first position in [0, size) that has all ones of `mask`; `size` if there is none.
/// Reads data[-weir1_lookback] to data[size - 1] and nothing else.
using weir1_search = std::size_t (*)(const std::uint8_t* data, std::size_t size, const weir1_function& function,
                                     const weir1_mask& mask);

std::size_t weir1_search_portable(const std::uint8_t*, std::size_t, const weir1_function&, const weir1_mask&);
std::size_t weir1_search_sse(const std::uint8_t*, std::size_t, const weir1_function&, const weir1_mask&);
std::size_t weir1_search_avx2(const std::uint8_t*, std::size_t, const weir1_function&, const weir1_mask&);
std::size_t weir1_search_avx512(const std::uint8_t*, std::size_t, const weir1_function&, const weir1_mask&);
std::size_t weir1_search_neon(const std::uint8_t*, std::size_t, const weir1_function&, const weir1_mask&);

} // namespace weir::detail
