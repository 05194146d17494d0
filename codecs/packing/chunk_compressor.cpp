#include <weir/chunk_compressor.hpp>

#include "compression/pulling.hpp"
#include "packing/packing.hpp"

#include <weir/decoder.hpp>
#include <weir/error.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace weir {

namespace asio = boost::asio;

std::size_t compression_blocks(const engine& owner, const chunk_compression_options& options)
{
    if (options.codec == codec::identity)
        return 0;
    const std::size_t block_bytes = owner.block_bytes();
    const std::size_t whole = options.batch_bytes / block_bytes + (options.batch_bytes % block_bytes != 0);
    return 2 * owner.workers().size() + whole;
}

packed_batch::packed_batch(packed_batch&& other) noexcept
    : origin_(std::move(other.origin_)), records_(std::move(other.records_)), count_(std::exchange(other.count_, 0))
{}

packed_batch& packed_batch::operator=(packed_batch&& other) noexcept
{
    if (this != &other) {
        give_back();
        origin_ = std::move(other.origin_);
        records_ = std::move(other.records_);
        count_ = std::exchange(other.count_, 0);
    }
    return *this;
}

packed_batch::~packed_batch() { give_back(); }

void packed_batch::give_back() noexcept
{
    if (const auto origin = std::exchange(origin_, nullptr))
        origin->recycle(std::move(records_), std::exchange(count_, 0));
}

chunk_compressor::chunk_compressor(engine& owner, const chunk_compression_options& options)
    : core_(std::make_shared<codecs::packing>(owner, options))
{}
chunk_compressor::chunk_compressor(chunk_compressor&&) noexcept = default;
chunk_compressor& chunk_compressor::operator=(chunk_compressor&& other) noexcept
{
    chunk_compressor taken(std::move(other));
    std::swap(core_, taken.core_);
    return *this;
}
chunk_compressor::~chunk_compressor()
{
    if (core_)
        core_->close();
}

asio::awaitable<void> chunk_compressor::prepare() { return codecs::packing::prepare(core_); }

asio::awaitable<packed_batch> chunk_compressor::pack(std::span<const chunk> chunks)
{
    return codecs::packing::pack(core_, chunks);
}

chunk_compression_statistics chunk_compressor::statistics() const { return core_->statistics(); }

namespace {

[[noreturn]] void refuse_size(const packed_chunk& packed, const char* why)
{
    throw error(errc::mismatch, "unpack", to_string(packed.codec), packed.offset, why);
}

void decode(const packed_chunk& packed, std::span<std::byte> output, const decoder_settings& settings,
            codec_pool& contexts)
{
    decoder coder(packed.codec, settings, contexts);
    std::size_t filled = 0;
    const auto drain = [&] {
        filled += codecs::fill(coder, output.subspan(filled));
        if (filled == output.size() && !codecs::is_whole(coder))
            refuse_size(packed, "its content is longer than it is said to be");
    };
    for (const slice& each : packed.content) {
        coder.push(each);
        drain();
    }
    coder.finish();
    drain();
    if (filled < output.size())
        refuse_size(packed, "its content is shorter than it is said to be");
}

} // namespace

void unpack(const packed_chunk& packed, std::span<std::byte> output, const decoder_settings& settings,
            codec_pool& contexts)
{
    assert(output.size() == packed.size);
    if (packed.codec != codec::identity)
        return decode(packed, output, settings, contexts);
    if (packed.content.size() != packed.size)
        refuse_size(packed, "its content has another size than it is said to have");
    packed.content.copy_to(output);
}

} // namespace weir
