#pragma once
// Content for tests of sources and sinks: random bytes, chunks of them, and everything that a source gives.

#include <weir/chunk.hpp>
#include <weir/source.hpp>

#include "support/seed.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace test {

inline std::vector<std::byte> random_bytes(std::size_t count)
{
    auto random = generator(count);
    std::vector<std::byte> out(count);
    std::ranges::generate(out, [&] { return static_cast<std::byte>(random()); });
    return out;
}

inline std::string text_of(const weir::bytes& content)
{
    const std::vector<std::byte> copy = content.copy_out();
    return std::string(reinterpret_cast<const char*>(copy.data()), copy.size());
}

/// A chunk with this content, cut into slices of `slice_bytes`.
inline weir::chunk chunk_of(std::string text, std::size_t slice_bytes = 3)
{
    const auto owner = std::make_shared<std::string>(std::move(text));
    const auto all = std::as_bytes(std::span(*owner));
    weir::chunk out;
    for (std::size_t at = 0; at < all.size(); at += slice_bytes)
        out.content.append(weir::slice::adopt(all.subspan(at, std::min(slice_bytes, all.size() - at)), owner));
    return out;
}

/// Reads a source to its end, dropping each block when it was copied.
inline boost::asio::awaitable<std::vector<std::byte>> read_all(weir::source& from, weir::reservation& memory,
                                                               std::size_t max_bytes)
{
    std::vector<std::byte> out;
    for (;;) {
        const weir::bytes next = co_await from.read(memory, max_bytes);
        if (next.empty())
            co_return out;
        CHECK(next.size() <= max_bytes);
        const std::vector<std::byte> copy = next.copy_out();
        out.insert(out.end(), copy.begin(), copy.end());
    }
}

} // namespace test
