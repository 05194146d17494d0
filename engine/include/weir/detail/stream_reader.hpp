#pragma once
// A stream of bytes behind virtual functions, so that what is done with it can live in source files.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <span>

namespace weir::detail {

struct transfer {
    boost::system::error_code failed = {};
    std::size_t bytes = 0;
    bool ended = false; ///< no failure: the stream has come to its end
};

class stream_reader {
public:
    virtual ~stream_reader() = default;
    [[nodiscard]] virtual boost::asio::any_io_executor executor() = 0;
    /// What it throws, the reader of the source gets as it is.
    [[nodiscard]] virtual boost::asio::awaitable<transfer> read_some(std::span<std::byte> into) = 0;
};

} // namespace weir::detail
