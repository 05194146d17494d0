#pragma once
// Connections to nothing, and a manager that makes them as a test asks.

#include "support/coroutine.hpp"

#include <weir/connection_pool.hpp>
#include <weir/detail/async_event.hpp>
#include <weir/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace test {

constexpr std::size_t key_count = 8;

/// What connections count in: how many there are, with those being made, of each key and in total.
struct world {
    struct counter {
        std::atomic<int> now{0};
        std::atomic<int> most{0};
        void add()
        {
            const int seen = ++now;
            for (int old = most; seen > old && !most.compare_exchange_weak(old, seen);) {
            }
        }
    };
    counter all;
    std::array<counter, key_count> of_key;
    std::atomic<int> made{0};
    std::atomic<int> checks{0};
    std::atomic<int> recycles{0};
    std::atomic<int> farewells{0};

    // What the manager does; each may be left as it is.
    std::function<boost::asio::awaitable<void>(int key)> on_create;
    std::function<boost::asio::awaitable<void>(int id)> on_check;
    std::function<boost::asio::awaitable<void>(int id)> on_recycle;
    std::function<boost::asio::awaitable<void>(int id)> on_close;
};

/// A place in the world, from the start of the making to the end of the connection.
class presence {
public:
    presence(world& where, int key) : where_(&where), key_(key)
    {
        where_->all.add();
        where_->of_key[static_cast<std::size_t>(key)].add();
    }
    presence(presence&& other) noexcept : where_(std::exchange(other.where_, nullptr)), key_(other.key_) {}
    presence& operator=(presence&&) = delete;
    ~presence()
    {
        if (where_) {
            --where_->of_key[static_cast<std::size_t>(key_)].now;
            --where_->all.now;
        }
    }

private:
    world* where_;
    int key_;
};

struct fake_connection {
    presence place;
    int key;
    int id;
    bool dead = false;
};

/// Only creates: what a pool does in one go with it is done without a step in between.
struct plain_manager {
    using key_type = int;
    using connection_type = fake_connection;

    boost::asio::awaitable<fake_connection> create(int key)
    {
        presence place(*where, key);
        if (where->on_create)
            co_await where->on_create(key);
        co_return fake_connection{std::move(place), key, ++where->made};
    }
    bool usable(fake_connection& which) noexcept { return !which.dead; }
    std::string describe(int key) { return "key " + std::to_string(key); }

    world* where;
};

/// Does all that a manager can.
struct full_manager : plain_manager {
    boost::asio::awaitable<void> check(fake_connection& which)
    {
        ++where->checks;
        if (where->on_check)
            co_await where->on_check(which.id);
    }
    boost::asio::awaitable<void> recycle(fake_connection& which)
    {
        ++where->recycles;
        if (where->on_recycle)
            co_await where->on_recycle(which.id);
    }
    boost::asio::awaitable<void> close(fake_connection& which)
    {
        ++where->farewells;
        if (where->on_close)
            co_await where->on_close(which.id);
    }
};

using lent = weir::pooled<fake_connection>;

/// One acquisition, and what became of it.
class acquisition {
public:
    template <class Pool>
    acquisition(Pool& pool, boost::asio::io_context& io, int key,
                std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max())
        : state_(std::make_unique<state>())
    {
        auto store = [into = state_.get()](boost::system::error_code outcome, lent got) {
            into->outcome = outcome;
            into->got = std::move(got);
            ++into->calls;
        };
        pool.async_acquire(
            key, deadline,
            boost::asio::bind_cancellation_slot(state_->stop.slot(), boost::asio::bind_executor(io, std::move(store))));
    }

    [[nodiscard]] bool done() const { return state_->calls > 0; }
    [[nodiscard]] int calls() const { return state_->calls; }
    [[nodiscard]] std::error_code code() const { return state_->outcome; }
    [[nodiscard]] lent& got() { return state_->got; }
    void cancel() { state_->stop.emit(boost::asio::cancellation_type::total); }

private:
    struct state {
        boost::asio::cancellation_signal stop;
        boost::system::error_code outcome;
        lent got;
        int calls = 0;
    };
    std::unique_ptr<state> state_;
};

/// Runs until `reached`, which something on the context brings about.
template <class Condition> void run_until(boost::asio::io_context& io, Condition reached)
{
    io.restart();
    while (!reached() && io.run_one() > 0) {
    }
}

} // namespace test
