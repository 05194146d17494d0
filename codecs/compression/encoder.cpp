#include <weir/encoder.hpp>

#include "compression/context.hpp"

#include <cassert>

namespace weir {

encoder::encoder(codec which, const encoder_settings& settings, codec_pool& contexts)
    : lease_(which, settings, contexts)
{}
encoder::encoder(encoder&& other) noexcept = default;
encoder& encoder::operator=(encoder&& other) noexcept = default;
encoder::~encoder() = default;

std::size_t encoder::pull(std::span<std::byte> output)
{
    assert(!output.empty());
    return lease_.attempt([&] { return encode(output); });
}

std::size_t encoder::encode(std::span<std::byte> output)
{
    if (ended())
        return 0;
    try {
        std::span<std::byte> room = output;
        lease_.run(room);
        const std::size_t count = output.size() - room.size();
        lease_.give(count);
        return count;
    }
    catch (const codecs::failure& why) {
        throw error(why.code, "encode", to_string(which()), consumed(), why.why);
    }
}

void encoder::restart() { lease_.restart(); }

} // namespace weir
