#pragma once
// A server whose objects come in all the ways that the rules of HTTP allow, and in many that they do not.

#include "support/certificates.hpp"

#include <weir/testing/script.hpp>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace test {

/// An object, and what may come of asking for it.
struct place {
    std::string path;
    std::uint64_t size = 0;
    std::uint64_t seed = 0;
    /// Its body never comes whole. Any other may fail too, if the connections fail often enough.
    bool must_fail = false;
};

struct mischief {
    weir::testing::script played;
    std::vector<place> places;
    std::vector<std::string> uploads; ///< paths for PUT; whether one is taken nobody knows
};

/// \param identity  to speak TLS with; null: does not
[[nodiscard]] mischief make_mischief(std::mt19937_64& random, const identity* identity);

} // namespace test
