#pragma once
// What an async_guard can be told.

#include <exception>
#include <functional>
#include <string>
#include <string_view>

namespace weir {

class observer;
class registry;

struct guard_options {
    std::string name = {}; ///< for the leak report, the observer and the hook
    /// Told of every release that threw, after the fallback has run; on the guard's executor. What it throws is lost.
    std::function<void(std::string_view name, std::exception_ptr failure)> on_failure = {};
    registry* resources = nullptr; ///< where the guard is registered while it holds its resource
    weir::observer* observer = nullptr; ///< told of the release; outlives it
};

} // namespace weir
