#pragma once
// Connections that are made once and lent many times, by key and under a limit.
//
//   weir::connection_pool<tcp_manager> pool(executor, tcp_manager(executor), {.max_per_key = 8});
//   weir::pooled<tcp::socket> peer = co_await pool.async_acquire(endpoint, deadline, asio::use_awaitable);
//   ...                                              // given back when `peer` ends; peer.mark_broken() if it failed
//
// A manager is what knows the kind of connection:
//
//   struct tcp_manager {
//       using key_type = tcp::endpoint;              // copyable, with == and std::hash
//       using connection_type = tcp::socket;         // movable
//       asio::awaitable<tcp::socket> create(const tcp::endpoint& to);
//
//       // All of these may be left out:
//       bool usable(tcp::socket&) noexcept;                // a quick look, as it comes back and before it is lent
//       asio::awaitable<void> check(tcp::socket&);         // a longer one, of what was idle; throws if it is no good
//       asio::awaitable<void> recycle(tcp::socket&);       // makes what came back ready for the next user, or throws
//       asio::awaitable<void> close(tcp::socket&);         // says goodbye to the peer
//       bool worth_retrying(std::error_code) noexcept;     // of `create`; else: whether it is condition::retryable
//       std::string describe(const tcp::endpoint&);        // for reports
//   };

#include <weir/connection_pool_options.hpp>
#include <weir/detail/connection_pool_state.hpp>
#include <weir/pooled.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace weir {

/// Makes connections when they are wanted, lends each to one user at a time, and keeps what comes back.
///
/// Waiters of a key are served strictly in the order of their coming, whether a connection comes back or is made;
/// across keys the total limit is given out in that order too. Where it is reached, the connection that has been idle
/// for longest is closed to make room for another key.
///
/// A waiter that is cancelled or too late just leaves the line. What was being made for it goes to the next, or lies
/// idle (see `unwanted_connection`).
///
/// Functions of the manager run on strands of the pool's executor, `usable` where a connection is lent or given back.
/// A connection is with one of them, or one user, at a time; `create` may run several times side by side.
///
/// The destructor closes the pool and waits for nothing: idle connections are closed on the executor, lent ones as they
/// come back. While something is idle a timer may keep the executor's `run()` from returning; `close()` ends that.
/// \par Thread-safety
/// All members from any thread, but the destructor.
template <connection_manager Manager> class connection_pool {
    using state = detail::connection_pool_state<Manager>;
    using clock = std::chrono::steady_clock;

public:
    using key_type = typename Manager::key_type;
    using connection_type = typename Manager::connection_type;
    using hooks_type = connection_hooks<key_type, connection_type>;

    /// \param executor  where connections are made and closed, and timers run; its context outlives the pool and what
    ///                  the pool has lent
    /// \throws weir::error  `errc::bad_configuration`: the option is named
    connection_pool(boost::asio::any_io_executor executor, Manager manager, connection_pool_options options,
                    hooks_type hooks)
        : state_(std::make_shared<state>(std::move(executor), std::move(manager), std::move(options), std::move(hooks)))
    {
        state_->track();
    }
    // No default arguments: gcc 12 destroys such temporaries twice where the executor is `co_await`ed in the call.
    connection_pool(boost::asio::any_io_executor executor, Manager manager, connection_pool_options options)
        : connection_pool(std::move(executor), std::move(manager), std::move(options), hooks_type())
    {}
    connection_pool(boost::asio::any_io_executor executor, Manager manager)
        : connection_pool(std::move(executor), std::move(manager), connection_pool_options(), hooks_type())
    {}
    connection_pool(const connection_pool&) = delete;
    connection_pool& operator=(const connection_pool&) = delete;
    ~connection_pool() { state_->close(); }

    /// A connection that is idle and needs no check. \returns  one that holds nothing if there is none
    [[nodiscard]] pooled<connection_type> try_acquire(const key_type& key) { return state_->try_acquire(key); }

    /// Gives a connection: an idle one, one that comes back, or a new one. Completes with
    /// `void(boost::system::error_code, pooled<connection_type>)`:
    ///   `errc::pool_timeout`: `wait_limit` passed with no connection on its way. Retryable.
    ///   `errc::queue_full`: `max_waiters` wait already. Retryable.
    ///   `errc::deadline_exceeded`: the caller's own deadline passed; it bounds all of the call.
    ///   `errc::connect_timeout`: `create_limit` passed.
    ///   `errc::closed`: the pool is, or was closed meanwhile.
    ///   else what `create` threw. Each attempt that fails for good is told to one waiter, the first; but a permanent
    ///   failure to all of its key, if that has no other connection.
    /// \par Cancellation
    /// terminal, partial, total: `operation_aborted`; the next in line is not delayed.
    /// \par Executor
    /// Completes on the handler's, or the pool's; never inside the call.
    /// \par Cost
    /// For an idle connection: a lock, and a post. No allocation but the handler's.
    template <class Token> auto async_acquire(key_type key, clock::time_point deadline, Token&& token)
    {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, pooled<connection_type>)>(
            [](auto handler, std::shared_ptr<state> self, key_type wanted, clock::time_point limit) {
                if (pooled<connection_type> ready = self->try_acquire(wanted))
                    return detail::pending(std::move(handler), self->executor())
                        .post(boost::system::error_code(), std::move(ready));
                self->wait(wanted, limit, typename state::completion_type(std::move(handler), self->executor()));
            },
            token, state_, std::move(key), deadline);
    }
    template <class Token> auto async_acquire(key_type key, Token&& token)
    {
        return async_acquire(std::move(key), clock::time_point::max(), std::forward<Token>(token));
    }

    /// From now on `count` connections of `key` shall be idle, as far as the limits allow; they are made ahead, one
    /// after a failure only after a pause. 0 ends it.
    void keep_warm(const key_type& key, std::size_t count) { state_->warm(key, count); }

    /// New limits. What is above them is closed: idle connections now, others as they come back.
    /// \throws weir::error  `errc::bad_configuration`: one is 0
    void resize(std::size_t max_total, std::size_t max_per_key) { state_->resize(max_total, max_per_key); }

    /// Closes what is idle, of one key: after one connection was found dead, the others that were idle likely are too.
    void close_idle(const key_type& key) { state_->close_idle_of(key); }
    void close_idle() noexcept { state_->close_idle(); }

    /// Replaces all connections: idle ones are closed now, others as they come back; new ones are made as they are
    /// wanted. Completes with `void(boost::system::error_code)` when the old ones are gone.
    ///   `errc::deadline_exceeded`: some are still lent; they are closed when they come back all the same.
    /// \par Cancellation
    /// terminal, partial, total: `operation_aborted`; only the waiting ends.
    template <class Token> auto async_drain(clock::time_point deadline, Token&& token)
    {
        return await_end<Token>(deadline, token, &drain);
    }

    /// Closes the pool: waiters get `errc::closed`, what is being made is cancelled, what is idle is closed. Completes
    /// as `async_drain` does. May be called again.
    template <class Token> auto async_close(clock::time_point deadline, Token&& token)
    {
        return await_end<Token>(deadline, token, &close_and_wait);
    }
    /// As above, without waiting.
    void close() noexcept { state_->close(); }

    [[nodiscard]] connection_pool_statistics statistics() const { return state_->statistics(); }

    /// What has been lent for longer than `limit`, and to which key it belongs.
    [[nodiscard]] std::vector<held_connection> held_longer_than(clock::duration limit) const
    {
        return state_->held_longer_than(limit);
    }

private:
    using end_completion = detail::connection_core::end_completion;

    static void drain(state& self, clock::time_point deadline, end_completion done)
    {
        self.drain(deadline, std::move(done));
    }
    static void close_and_wait(state& self, clock::time_point deadline, end_completion done)
    {
        self.detail::connection_core::close(deadline, std::move(done));
    }
    template <class Token>
    auto await_end(clock::time_point deadline, Token& token, void (*start)(state&, clock::time_point, end_completion))
    {
        return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
            [](auto handler, std::shared_ptr<state> self, clock::time_point limit, auto* begin) {
                begin(*self, limit, end_completion(std::move(handler), self->executor()));
            },
            token, state_, deadline, start);
    }

    std::shared_ptr<state> state_;
};

} // namespace weir
