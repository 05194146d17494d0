#include <weir/as_result.hpp>

namespace weir {

std::string message_of(const std::exception_ptr& failure)
{
    try {
        if (failure)
            std::rethrow_exception(failure);
        return {};
    }
    catch (const std::exception& known) {
        return known.what();
    }
    catch (...) {
        return "unknown exception";
    }
}

} // namespace weir
