#include <weir/hasher.hpp>

#include "stream.hpp"

namespace weir {

hasher::hasher(hash_algorithm algorithm) : algorithm_(algorithm), stream_(hashing::make_stream(algorithm)) {}
hasher::hasher(hasher&&) noexcept = default;
hasher& hasher::operator=(hasher&&) noexcept = default;
hasher::~hasher() = default;

void hasher::update(std::span<const std::byte> piece) { stream_->update(piece); }

digest hasher::finish()
{
    const digest result = stream_->finish();
    stream_->reset();
    return result;
}

void hasher::reset() { stream_->reset(); }

digest digest_of(hash_algorithm algorithm, std::span<const std::byte> message)
{
    const auto stream = hashing::make_stream(algorithm);
    stream->update(message);
    return stream->finish();
}

} // namespace weir
