#pragma once
// The central directory of a zip archive, header by header.

#include "archives/zip_format.hpp"
#include "archives/zip_input.hpp"

#include <weir/archive.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace weir::codecs::zip {

/// Finds the directory of an input.
/// \throws weir::error  see `open_zip`
[[nodiscard]] boost::asio::awaitable<directory_place> locate_directory(random_access_input& input, reservation& memory);

/// One walk over a directory. A block of it is in memory at a time.
class directory_walk {
public:
    directory_walk(random_access_input& input, const directory_place& place);

    /// The next header; nothing behind the last, once it is sure that the directory ends there. It stays the next one
    /// until `pass`.
    /// \throws weir::error  with the input's name and the offset: what the input reports, `errc::truncated`,
    ///                      `errc::corrupt_data`
    [[nodiscard]] boost::asio::awaitable<std::optional<header>> look(reservation& memory);
    /// \pre `look` gave one
    void pass();

    [[nodiscard]] boost::asio::awaitable<void> close() { return from_.close(); }

private:
    [[nodiscard]] boost::asio::awaitable<std::span<const std::byte>> peek(reservation& memory, std::size_t count);
    [[nodiscard]] boost::asio::awaitable<void> check_end(reservation& memory);
    [[noreturn]] void fail(errc code, const char* why) const;

    directory_place place_;
    std::string name_;
    zip_input from_;
    std::uint64_t passed_ = 0;
    std::size_t size_ = 0; ///< of the header that was looked at
};

} // namespace weir::codecs::zip
