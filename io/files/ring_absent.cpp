// Built instead of ring_service.cpp and small_files_ring.cpp where there is no io_uring.

#include "files/read_service.hpp"
#include "files/small_files.hpp"

namespace weir::detail {

read_service* find_ring(const boost::asio::any_io_executor&, std::string& reason)
{
    reason = "built without io_uring";
    return nullptr;
}

bool read_by_ring(std::span<const std::size_t>, std::span<const tree_entry>, std::span<buffer>, std::span<small_file>,
                  std::string& reason)
{
    reason = "built without io_uring";
    return false;
}

} // namespace weir::detail
