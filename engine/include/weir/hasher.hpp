#pragma once
// The digest of one message that arrives in pieces. For many messages at a time see multi_hasher.

#include <weir/digest.hpp>
#include <weir/export.hpp>

#include <cstddef>
#include <memory>
#include <span>

namespace weir {

/// Digests one message after the other, each given in pieces of any size.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time.
class WEIR_API hasher {
public:
    /// \throws weir::error `errc::backend_unavailable`: the system's OpenSSL does not offer the algorithm.
    explicit hasher(hash_algorithm algorithm);
    hasher(hasher&&) noexcept;
    hasher& operator=(hasher&&) noexcept;
    ~hasher();

    /// Appends `piece` to the message.
    void update(std::span<const std::byte> piece);

    /// The digest of all that was appended; the next `update` begins a new message.
    [[nodiscard]] digest finish();

    /// Forgets what was appended.
    void reset();

    [[nodiscard]] hash_algorithm algorithm() const noexcept { return algorithm_; }

    /// What runs one message: one of OpenSSL's or xxHash's streams.
    class stream;

private:
    hash_algorithm algorithm_;
    std::unique_ptr<stream> stream_;
};

/// The digest of one message in one piece.
/// \throws weir::error as the constructor of `hasher`
/// \par Cost
/// Sets up a `hasher`: 100 to 300 ns. Keep one where many short messages are digested.
[[nodiscard]] WEIR_API digest digest_of(hash_algorithm algorithm, std::span<const std::byte> message);

} // namespace weir
