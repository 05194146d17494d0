#pragma once
// From an answer step and a request to the head that is sent, and to the part of the object behind it.

#include "script_data.hpp"

#include <weir/testing/origin.hpp>

#include <cstdint>
#include <string>

namespace weir::testing::detail {

struct composed_answer {
    std::string head;        // whole, with the empty line
    bool has_body = false;   // something follows the head, be it an empty body
    std::uint64_t first = 0; // of the object, or of the step's body
    std::uint64_t size = 0;  // of what is sent of it
    bool last = false;       // the connection ends behind it
};

[[nodiscard]] composed_answer compose(const answer_step& step, const received_request& request);

} // namespace weir::testing::detail
