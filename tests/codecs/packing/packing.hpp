#pragma once
// Chunks with known content, and what a compressor makes of them.

#include "../streaming.hpp"

#include <weir/chunk_compressor.hpp>
#include <weir/hasher.hpp>

#include <memory>
#include <random>
#include <span>
#include <vector>

namespace test {

/// The first that is built in and compresses.
inline weir::codec some_codec() { return built_in_codecs().at(1); }

inline weir::slice slice_of(byte_span content)
{
    const auto owner = std::make_shared<const byte_vector>(content.begin(), content.end());
    return weir::slice::adopt(*owner, owner);
}

/// Content in slices of at most `most_slice` bytes, each in memory of its own.
inline weir::chunk chunk_of(const byte_vector& content, std::size_t most_slice = std::string::npos)
{
    weir::chunk out;
    out.digest = weir::digest_of(weir::hash_algorithm::sha256, content);
    for (byte_span rest = content; !rest.empty();) {
        const std::size_t count = std::min(rest.size(), most_slice);
        out.content.append(slice_of(rest.first(count)));
        rest = rest.subspan(count);
    }
    return out;
}

inline byte_vector unpacked(const weir::packed_chunk& packed)
{
    byte_vector out(packed.size);
    weir::unpack(packed, out);
    return out;
}

/// What was moved out of the batches: the memory stays with it.
using packed_list = std::vector<weir::packed_chunk>;

inline boost::asio::awaitable<void> pack_into(packed_list& out, weir::chunk_compressor& with,
                                              std::span<const weir::chunk> rest)
{
    while (!rest.empty()) {
        weir::packed_batch packed = co_await with.pack(rest);
        rest = rest.subspan(packed.size());
        for (weir::packed_chunk& each : packed)
            out.push_back(std::move(each));
    }
}

inline packed_list packed(bench& on, weir::chunk_compressor& with, std::span<const weir::chunk> chunks)
{
    packed_list out;
    await(on.context, pack_into(out, with, chunks));
    return out;
}

} // namespace test
