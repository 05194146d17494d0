#include <weir/cpu.hpp>

#include <weir/error.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <string>

#if defined(__x86_64__) || defined(_M_X64)
#    define WEIR_CPU_X86 1
#    include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#    include <sys/auxv.h>
#endif

namespace weir {
namespace {

struct features {
    cpu_level level = cpu_level::portable;
    bool sha = false;
};

#if defined(WEIR_CPU_X86)

struct registers {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

registers cpuid(unsigned leaf)
{
    registers r;
    __get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx); // leaves zeros where the CPU has no such leaf
    return r;
}

/// The register state that the operating system saves at a switch of threads (XCR0): without it the
/// instructions exist and their results do not survive.
std::uint64_t saved_state(const registers& basic)
{
    if (!(basic.ecx & bit_OSXSAVE))
        return 0;
    unsigned low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return std::uint64_t{high} << 32 | low;
}

bool all(unsigned value, unsigned bits) { return (value & bits) == bits; }

features look_up()
{
    constexpr std::uint64_t ymm_state = 0x06; // SSE, AVX
    constexpr std::uint64_t zmm_state = 0xe6; // and the masks, the upper halves, the upper registers
    const registers basic = cpuid(1);
    const registers extended = cpuid(7);
    const std::uint64_t state = saved_state(basic);

    features found;
    if (!all(basic.ecx, bit_SSSE3 | bit_SSE4_1))
        return found;
    found.level = cpu_level::sse;
    found.sha = all(extended.ebx, bit_SHA);
    if ((state & ymm_state) != ymm_state || !all(extended.ebx, bit_AVX2 | bit_BMI | bit_BMI2))
        return found;
    found.level = cpu_level::avx2;
    if ((state & zmm_state) == zmm_state && all(extended.ebx, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL)
        && all(extended.ecx, bit_AVX512VBMI | bit_GFNI))
        found.level = cpu_level::avx512;
    return found;
}

#elif defined(__aarch64__)

features look_up()
{
    features found{cpu_level::neon, false};
#    if defined(__ARM_FEATURE_SHA2)
    found.sha = true;
#    elif defined(__linux__)
    constexpr unsigned long hwcap_sha2 = 1ul << 6;
    found.sha = (getauxval(AT_HWCAP) & hwcap_sha2) != 0;
#    endif
    return found;
}

#else

features look_up() { return {}; }

#endif

const features& cpu() noexcept
{
    static const features found = look_up();
    return found;
}

constexpr std::array every_level{cpu_level::portable, cpu_level::sse, cpu_level::avx2, cpu_level::avx512,
                                 cpu_level::neon};

bool runs_here(cpu_level level)
{
    const cpu_level highest = detected_cpu_level();
    if (level == cpu_level::neon || highest == cpu_level::neon)
        return level == highest || level == cpu_level::portable;
    return level <= highest;
}

std::string allowed_here()
{
    std::string text = "can run here:";
    for (cpu_level level : available_cpu_levels())
        text.append(text.back() == ':' ? " " : ", ").append(to_string(level));
    return text;
}

} // namespace

std::string_view to_string(cpu_level level) noexcept
{
    switch (level) {
    case cpu_level::portable: return "portable";
    case cpu_level::sse: return "sse";
    case cpu_level::avx2: return "avx2";
    case cpu_level::avx512: return "avx512";
    case cpu_level::neon: return "neon";
    }
    return "unknown";
}

cpu_level detected_cpu_level() noexcept { return cpu().level; }

bool cpu_has_sha() noexcept { return cpu().sha; }

std::vector<cpu_level> available_cpu_levels()
{
    std::vector<cpu_level> levels;
    std::ranges::copy_if(every_level, std::back_inserter(levels), runs_here);
    return levels;
}

cpu_level require_cpu_level(std::string_view name)
{
    for (cpu_level level : every_level)
        if (to_string(level) == name && runs_here(level))
            return level;
    throw error(errc::kernel_unavailable, "use", std::string("WEIR_CPU=").append(name), std::nullopt, allowed_here());
}

cpu_level active_cpu_level()
{
    static const cpu_level level = [] {
        const char* forced = std::getenv("WEIR_CPU");
        return forced && *forced ? require_cpu_level(forced) : detected_cpu_level();
    }();
    return level;
}

} // namespace weir
