#pragma once
// One message at a time, by OpenSSL or xxHash: what hasher wraps and multi_hasher falls back to.

#include <weir/hasher.hpp>

namespace weir {

class hasher::stream {
public:
    stream() = default;
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;
    virtual ~stream() = default;

    /// Forgets what was appended.
    virtual void reset() = 0;
    virtual void update(std::span<const std::byte> piece) = 0;
    /// The digest; `reset` must follow before the next update.
    virtual digest finish() = 0;
};

} // namespace weir

namespace weir::hashing {

/// A stream ready for its first message. It keeps its context from message to message, and the description of the
/// algorithm is fetched once per process: a fetch takes a lock of OpenSSL's, which halves 1 KiB messages on two cores.
/// \throws weir::error `errc::backend_unavailable`
[[nodiscard]] std::unique_ptr<hasher::stream> make_stream(hash_algorithm algorithm);

} // namespace weir::hashing
