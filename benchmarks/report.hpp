#pragma once
// How a benchmark program hands its figures to benchmarks/run, which shows them in one table and holds them against
// their gates. Run by hand, a program only prints.

#include <cstdio>
#include <cstdlib>
#include <string>

namespace bench {

/// One comparison. A bound of 0 is none.
struct figure {
    std::string name;     ///< what was measured: "cut 64 KiB random, weir1-avx2"
    double ours = 0;      ///< in `unit`
    std::string peer;     ///< whom it is compared with; empty: nobody, `ours` itself is held against the bounds
    double theirs = 0;    ///< in `unit`
    std::string unit;     ///< "GB/s", "ns", "MiB"
    double gate = 0;      ///< of the ratio ours / theirs
    double target = 0;    ///< the same, what is aimed at
    bool at_most = false; ///< less is better: times and memory
};

/// Appends the figure to the file that WEIR_BENCHMARK_FIGURES names, as one line of JSON. No text in a figure has
/// characters that JSON escapes.
inline void publish(const figure& each)
{
    const char* path = std::getenv("WEIR_BENCHMARK_FIGURES");
    std::FILE* out = path ? std::fopen(path, "a") : nullptr;
    if (!out)
        return;
    std::fprintf(out,
                 R"({"name":"%s","ours":%.6g,"peer":"%s","theirs":%.6g,"unit":"%s","gate":%g,"target":%g,"at_most":%s})"
                 "\n",
                 each.name.c_str(), each.ours, each.peer.c_str(), each.theirs, each.unit.c_str(), each.gate, each.target,
                 each.at_most ? "true" : "false");
    std::fclose(out);
}

} // namespace bench
