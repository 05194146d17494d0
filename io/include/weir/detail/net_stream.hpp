#pragma once
// What a transport and the operations on it share: the socket, the TLS on top of it, and the limit of time.

#include <weir/detail/pending.hpp>
#include <weir/export.hpp>
#include <weir/net/time_limit.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace weir::net::detail {

class tls_engine;
class tls_handshake;

/// What a step of TLS came to, and what the next one has to wait for.
struct tls_step {
    enum class want { nothing, readable, writable };

    std::size_t bytes = 0;
    want next = want::nothing;
    bool ended = false; ///< the peer sends no more
    boost::system::error_code failed = {};

    /// Decided here, in the user's program: where that has an Asio of its own beside the library's, neither knows the
    /// other's end of file.
    [[nodiscard]] boost::system::error_code code() const
    {
        return ended ? boost::system::error_code(boost::asio::error::eof) : failed;
    }
};

[[nodiscard]] constexpr boost::asio::socket_base::wait_type wait_type(tls_step::want what) noexcept
{
    using boost::asio::socket_base;
    return what == tls_step::want::readable ? socket_base::wait_read : socket_base::wait_write;
}

/// \par Thread-safety
/// One read, one write and nothing else at a time, on one strand.
class WEIR_API stream_state {
public:
    using socket_type = boost::asio::generic::stream_protocol::socket;

    stream_state(socket_type connected, std::string peer);
    stream_state(const stream_state&) = delete;
    stream_state& operator=(const stream_state&) = delete;
    ~stream_state();

    void close() noexcept;

    /// Plain bytes through TLS, as many as can be had without waiting. \pre `tls`
    [[nodiscard]] tls_step tls_read(std::span<const boost::asio::mutable_buffer> into) noexcept;
    [[nodiscard]] tls_step tls_write(std::span<const boost::asio::const_buffer> from) noexcept;
    /// A write that waits is given up.
    void tls_abandon_write() noexcept;

    /// One write of what goes without waiting. \returns  nothing where that is nothing, or there is no time left
    [[nodiscard]] std::optional<tls_step> try_write(std::span<const boost::asio::const_buffer> from) noexcept;

    /// Waits for the socket. \returns  `outcome` of the wait
    [[nodiscard]] boost::asio::awaitable<boost::system::error_code> wait_for(tls_step::want what);

    /// What to tell of an operation that the limit of time may have stopped.
    [[nodiscard]] boost::system::error_code outcome(boost::system::error_code reported) const noexcept
    {
        const bool late = reported == boost::asio::error::operation_aborted && limit.expired();
        return late ? weir::detail::code(errc::deadline_exceeded) : reported;
    }

    socket_type socket;
    std::unique_ptr<tls_engine> tls;
    time_limit limit;
    std::string peer;
};

/// A handler that waits for a read or a write.
template <class Handler> class stream_operation {
public:
    using executor_type = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
    using allocator_type = boost::asio::associated_allocator_t<Handler>;

    [[nodiscard]] executor_type get_executor() const noexcept
    {
        return boost::asio::get_associated_executor(handler_, state_->socket.get_executor());
    }
    [[nodiscard]] allocator_type get_allocator() const noexcept
    {
        return boost::asio::get_associated_allocator(handler_);
    }

protected:
    stream_operation(std::shared_ptr<stream_state> state, Handler&& handler)
        : state_(std::move(state)), handler_(std::move(handler))
    {}

    [[nodiscard]] stream_state& state() const noexcept { return *state_; }
    [[nodiscard]] const Handler& handler() const noexcept { return handler_; }

    /// Ends inside the initiating function. \returns  whether it did, because the limit of time has passed
    [[nodiscard]] bool is_late()
    {
        if (state_->limit.watch(get_executor()))
            return false;
        post(weir::detail::code(errc::deadline_exceeded), 0);
        return true;
    }

    void post(boost::system::error_code failed, std::size_t bytes)
    {
        const boost::asio::any_io_executor fallback = state_->socket.get_executor();
        state_.reset();
        weir::detail::pending<Handler>(std::move(handler_), fallback).post(failed, bytes);
    }

    void complete(boost::system::error_code failed, std::size_t bytes)
    {
        failed = state_->outcome(failed);
        state_.reset();
        std::move(handler_)(failed, bytes);
    }

private:
    std::shared_ptr<stream_state> state_;
    Handler handler_;
};

/// A read or write of the socket itself.
template <class Handler> class plain_operation : public stream_operation<Handler> {
public:
    using cancellation_slot_type = boost::asio::associated_cancellation_slot_t<Handler>;

    plain_operation(std::shared_ptr<stream_state> state, Handler&& handler)
        : stream_operation<Handler>(std::move(state), std::move(handler))
    {}

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return boost::asio::get_associated_cancellation_slot(this->handler());
    }

    template <class Buffers> void read(const Buffers& into)
    {
        if (!this->is_late())
            this->state().socket.async_read_some(into, std::move(*this));
    }
    template <class Buffers> void write(const Buffers& from)
    {
        if (!this->is_late())
            this->state().socket.async_write_some(from, std::move(*this));
    }

    void operator()(boost::system::error_code failed, std::size_t bytes) { this->complete(failed, bytes); }
};

/// A read or write through TLS: steps that do not wait, and waits for the socket between them.
/// Of a sequence, at a time. A write that waits is repeated with the same: OpenSSL refuses a shorter one.
constexpr std::size_t tls_buffers = 16;

template <class Buffer, class Buffers, class Handler> class tls_operation : public stream_operation<Handler> {
public:
    using cancellation_slot_type = boost::asio::cancellation_slot;

    tls_operation(std::shared_ptr<stream_state> state, const Buffers& buffers, Handler&& handler)
        : stream_operation<Handler>(std::move(state), std::move(handler)),
          cancellation_(boost::asio::get_associated_cancellation_slot(this->handler()),
                        boost::asio::enable_total_cancellation()),
          buffers_(buffers)
    {}

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return cancellation_.slot(); }

    void start()
    {
        if (this->is_late())
            return;
        const tls_step taken = step();
        if (taken.next == tls_step::want::nothing)
            return this->post(taken.code(), taken.bytes);
        wait_for(taken.next);
    }

    /// The socket is ready.
    void operator()(boost::system::error_code failed)
    {
        if (!failed && cancellation_.cancelled() != boost::asio::cancellation_type::none)
            failed = boost::asio::error::operation_aborted;
        if (failed) {
            if constexpr (!reading)
                this->state().tls_abandon_write();
            return this->complete(failed, 0);
        }
        const tls_step taken = step();
        if (taken.next == tls_step::want::nothing)
            return this->complete(taken.code(), taken.bytes);
        wait_for(taken.next);
    }

private:
    static constexpr bool reading = std::is_same_v<Buffer, boost::asio::mutable_buffer>;

    [[nodiscard]] tls_step step()
    {
        std::array<Buffer, tls_buffers> some;
        std::size_t count = 0;
        const auto end = boost::asio::buffer_sequence_end(buffers_);
        for (auto each = boost::asio::buffer_sequence_begin(buffers_); each != end && count < some.size(); ++each)
            some[count++] = Buffer(*each);
        if constexpr (reading)
            return this->state().tls_read(std::span(some).first(count));
        else
            return this->state().tls_write(std::span(some).first(count));
    }

    void wait_for(tls_step::want what) { this->state().socket.async_wait(wait_type(what), std::move(*this)); }

    boost::asio::cancellation_state cancellation_;
    Buffers buffers_;
};

} // namespace weir::net::detail
