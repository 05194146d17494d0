#pragma once
// Blocks of a pool that are promised to one stream.

#include <weir/buffer.hpp>
#include <weir/detail/pending.hpp>
#include <weir/export.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

namespace weir {

class registration;
class reservation;

namespace detail {
class reservation_state;
using buffer_completion = completion<boost::system::error_code, buffer>;
using reservation_completion = completion<boost::system::error_code, reservation>;
WEIR_API void start_take(std::shared_ptr<reservation_state> state, buffer_completion done);
} // namespace detail

/// `blocks()` blocks of one size that belong to whoever holds this, whatever else the pool has to serve.
///
/// A block taken from it comes back to it when its last buffer or slice dies, on any thread. Beyond its own
/// blocks it may lend elastic ones from the pool, if they are free and nobody waits there; a promise is never
/// built on those. Dropping the reservation gives its idle blocks to the pool at once and the others when they
/// die; whoever waits in `async_take` gets `errc::closed`. It works on after its pool is closed.
/// Move-only; a default-made or moved-from one has no blocks.
/// \par Thread-safety
/// All functions but move and destruction: any threads at once.
class WEIR_API reservation {
public:
    reservation() noexcept = default;
    explicit reservation(std::shared_ptr<detail::reservation_state> state) noexcept;
    reservation(reservation&& other) noexcept = default;
    reservation& operator=(reservation&& other) noexcept;
    ~reservation();

    explicit operator bool() const noexcept { return state_ != nullptr; }

    /// How many blocks are promised, taken or not.
    [[nodiscard]] std::size_t blocks() const noexcept;
    /// The capacity of each.
    [[nodiscard]] std::size_t block_bytes() const noexcept;
    /// How many of the promised blocks are here now.
    [[nodiscard]] std::size_t free_blocks() const noexcept;

    /// For how long somebody has waited in `async_take`, all waits together, one that goes on now too.
    [[nodiscard]] std::chrono::nanoseconds waited() const noexcept;

    /// Keeps `entry` registered until this is dropped and the last block that was taken through it is back: so a
    /// registry names what is still held after the end of a stream.
    void keep_registered(registration entry);

    /// Takes a block of its own, else an elastic one; nothing if neither is free, or others wait here.
    [[nodiscard]] std::optional<buffer> try_take();
    /// Takes a block of its own; nothing if none is here, or others wait here.
    [[nodiscard]] std::optional<buffer> try_take_own();

    /// Takes a block as `try_take` does, or waits until one of its blocks comes back. First come, first served.
    ///
    /// The token completes with `void(error_code, buffer)`; the buffer is empty with every error.
    /// \par Errors
    ///   `errc::closed`: the reservation was dropped, or is empty.
    /// \par Cancellation
    /// terminal, partial, total: no block is lost, and those behind are not delayed.
    /// \par Executor
    /// Completes by a post to the handler's executor (the system executor where it has none).
    template <boost::asio::completion_token_for<void(boost::system::error_code, buffer)> Token>
    auto async_take(Token&& token)
    {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, buffer)>(
            [](auto handler, std::shared_ptr<detail::reservation_state> state) {
                detail::start_take(std::move(state), detail::buffer_completion(std::move(handler)));
            },
            token, state_);
    }

private:
    std::shared_ptr<detail::reservation_state> state_;
};

} // namespace weir
