#pragma once
// What tests of files share.

#include <weir/error.hpp>
#include <weir/file_handle.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace test {

/// Bytes that differ at every distance which reads and blocks may be wrong by.
inline std::string pattern(std::size_t size)
{
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>(i * 131 + i / 257 + i / 65'539);
    return text;
}

/// The code, and where one wants it the place, of the error that a call throws; nothing if it throws none.
template <class Call> std::error_code failure_of(Call call, std::optional<std::uint64_t>* offset = nullptr)
{
    try {
        call();
    }
    catch (const weir::error& failure) {
        if (offset)
            *offset = failure.offset();
        return failure.code();
    }
    return {};
}

struct pipe_ends {
    weir::file_handle read, write;
    pipe_ends()
    {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        read = weir::file_handle(ends[0]);
        write = weir::file_handle(ends[1]);
    }
};

} // namespace test
