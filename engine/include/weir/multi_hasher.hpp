#pragma once
// Digests of many messages at a time, on one thread.
//
// A CPU digests several messages side by side two to three times faster than one after the other, so the stage that
// digests chunks gives them here by the batch.

#include <weir/cpu.hpp>
#include <weir/digest.hpp>
#include <weir/export.hpp>
#include <weir/slice.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace weir {

/// Digests batches of messages, the longest first, as many side by side as is fastest on this CPU.
///
/// SHA-256 runs in lanes; the other algorithms one message after the other. The work comes in portions, so that no task
/// holds its thread for long: `start`, then `run` until it returns true.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time; another thread may take over between calls.
class WEIR_API multi_hasher {
public:
    struct message {
        std::span<const slice> content; ///< the message's bytes; lengths and addresses need no alignment
        std::size_t size;               ///< how many bytes `content` has in all (asserted)
        digest* out;                    ///< where the digest goes
    };

    /// \param level  the kernels to use; `portable` is OpenSSL's
    /// \throws weir::error `errc::backend_unavailable`: the system's OpenSSL does not offer the algorithm;
    ///   `errc::kernel_unavailable`: the CPU lacks `level`, or `WEIR_CPU` is wrong.
    /// \par Cost
    /// The first object of a process measures the kernels of SHA-256: 100 to 300 microseconds.
    explicit multi_hasher(hash_algorithm algorithm, cpu_level level = active_cpu_level());
    multi_hasher(multi_hasher&&) noexcept;
    multi_hasher& operator=(multi_hasher&&) noexcept;
    ~multi_hasher();

    /// Begins a batch; what was left of the one before is forgotten.
    ///
    /// \param batch  stays alive and unchanged, with all that it refers to, until `run` returns true or the next start
    /// \par Cost
    /// Does not allocate, unless the batch has more messages than any before.
    void start(std::span<const message> batch);

    /// Works on about `max_bytes` more of the batch (at least on one block of each lane).
    ///
    /// Digests are written as their messages are done, in no order.
    /// \returns  whether all of the batch is done; true when there is none
    [[nodiscard]] bool run(std::size_t max_bytes);

    [[nodiscard]] hash_algorithm algorithm() const noexcept { return algorithm_; }

    /// What digests a full batch: `sha256-shani-x3`, `sha256-avx512-x16`, `sha256-openssl`, `xxh3-128-xxhash` ...
    [[nodiscard]] std::string_view kernel() const noexcept;

    /// How many messages of like size are digested side by side: what a batch should hold at least. 1 without lanes.
    [[nodiscard]] std::size_t lanes() const noexcept;

    /// How batches are worked off: in lanes, or one message after the other.
    class engine;

private:
    hash_algorithm algorithm_;
    std::unique_ptr<engine> lanes_;      // null where there are no kernels for lanes
    std::unique_ptr<engine> sequential_; // for all else, and for batches too small for the lanes
    engine* current_;
    std::size_t smallest_batch_ = 0; // of messages, that lanes are faster with
};

} // namespace weir
