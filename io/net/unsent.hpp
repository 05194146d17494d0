#pragma once
// What is left of buffers that are sent piece by piece.

#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <span>

namespace weir::net {

/// `data` without its first `bytes`, and without empty buffers before the rest. \pre it has so many bytes
[[nodiscard]] inline std::span<boost::asio::const_buffer> unsent(std::span<boost::asio::const_buffer> data,
                                                                 std::size_t bytes)
{
    while (!data.empty() && bytes >= data.front().size()) {
        bytes -= data.front().size();
        data = data.subspan(1);
    }
    if (bytes > 0)
        data.front() += bytes;
    return data;
}

} // namespace weir::net
