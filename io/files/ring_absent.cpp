// Built instead of ring_service.cpp where there is no io_uring.

#include "files/read_service.hpp"

namespace weir::detail {

read_service* find_ring(const boost::asio::any_io_executor&, std::string& reason)
{
    reason = "built without io_uring";
    return nullptr;
}

} // namespace weir::detail
