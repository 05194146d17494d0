// Random sequences of everything a pool can be asked, against the simplest model: who waits, in which order,
// and which blocks are out.
#include <weir/buffer_pool.hpp>
#include <weir/error.hpp>

#include "async_result.hpp"
#include "support/seed.hpp"

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <memory>
#include <random>
#include <set>
#include <vector>

namespace {

namespace asio = boost::asio;

constexpr std::size_t small = 1024;
constexpr std::size_t large = 8192;

template <class Value>
struct request {
    test::result<Value> result;
    std::size_t bytes = 0;
    std::uint64_t order = 0;
    bool cancelled = false;
};

class player {
public:
    explicit player(std::uint64_t stream) : random_(test::generator(stream)) {}

    void play(int steps)
    {
        for (int i = 0; i < steps; ++i) {
            step();
            test::poll(io_);
            collect();
            REQUIRE(pool_.check());
            REQUIRE(distinct());
        }
        finish();
    }

private:
    std::size_t any_size() { return random_() % 3 == 0 ? large : small; }

    void step()
    {
        switch (random_() % 9) {
        case 0: try_acquire(); break;
        case 1: acquire(); break;
        case 2:
        case 3:
        case 4: drop(buffers_); break;
        case 5: reserve(); break;
        case 6: drop(reservations_); break;
        case 7: take(); break;
        case 8: cancel(); break;
        }
    }

    void try_acquire()
    {
        const std::size_t bytes = any_size();
        if (std::optional<weir::buffer> got = pool_.try_acquire(bytes)) {
            REQUIRE(nobody_waits(bytes));
            buffers_.push_back(std::move(*got));
        }
    }

    void acquire()
    {
        auto& added = waiting_buffers_.emplace_back(std::make_unique<request<weir::buffer>>());
        added->bytes = any_size();
        added->order = next_order_++;
        pool_.async_acquire(added->bytes, added->result.handler(io_));
    }

    void reserve()
    {
        auto& added = waiting_reservations_.emplace_back(std::make_unique<request<weir::reservation>>());
        added->bytes = any_size();
        added->order = next_order_++;
        pool_.async_reserve(1 + random_() % 3, added->bytes, added->result.handler(io_));
    }

    void take()
    {
        if (reservations_.empty())
            return;
        auto chosen = std::next(reservations_.begin(), static_cast<std::ptrdiff_t>(random_() % reservations_.size()));
        if (std::optional<weir::buffer> got = chosen->try_take())
            buffers_.push_back(std::move(*got));
    }

    template <class Held>
    void drop(std::list<Held>& from)
    {
        if (!from.empty())
            from.erase(std::next(from.begin(), static_cast<std::ptrdiff_t>(random_() % from.size())));
    }

    void cancel()
    {
        if (random_() % 2 == 0)
            cancel_one(waiting_buffers_);
        else
            cancel_one(waiting_reservations_);
    }

    template <class Request>
    void cancel_one(std::vector<std::unique_ptr<Request>>& from)
    {
        if (from.empty())
            return;
        Request& chosen = *from[random_() % from.size()];
        chosen.cancelled = true;
        chosen.result.cancel();
    }

    /// Moves what was granted to what is held, and checks that it was its turn.
    void collect()
    {
        const std::uint64_t first_small = first_waiting(small);
        const std::uint64_t first_large = first_waiting(large);
        const auto gather = [&](auto& waiting, auto& held) {
            std::erase_if(waiting, [&](auto& each) {
                if (!each->result.done)
                    return false;
                REQUIRE(each->result.calls == 1);
                if (each->result.code)
                    REQUIRE((each->cancelled && each->result.code == asio::error::operation_aborted));
                else {
                    REQUIRE(each->order < (each->bytes == small ? first_small : first_large));
                    held.push_back(std::move(each->result.value));
                }
                return true;
            });
        };
        gather(waiting_buffers_, buffers_);
        gather(waiting_reservations_, reservations_);
    }

    std::uint64_t first_waiting(std::size_t bytes) const
    {
        std::uint64_t first = next_order_;
        const auto look = [&](const auto& waiting) {
            for (const auto& each : waiting)
                if (!each->result.done && each->bytes == bytes)
                    first = std::min(first, each->order);
        };
        look(waiting_buffers_);
        look(waiting_reservations_);
        return first;
    }

    bool nobody_waits(std::size_t bytes) const { return first_waiting(bytes) == next_order_; }

    bool distinct() const
    {
        std::set<const std::byte*> places;
        for (const weir::buffer& each : buffers_)
            places.insert(each.data());
        return places.size() == buffers_.size();
    }

    /// Everything goes back, so everything that waits is served, and nothing is missing in the end.
    void finish()
    {
        while (!waiting_buffers_.empty() || !waiting_reservations_.empty()) {
            const std::size_t before = waiting_buffers_.size() + waiting_reservations_.size();
            buffers_.clear();
            reservations_.clear();
            test::poll(io_);
            collect();
            REQUIRE(waiting_buffers_.size() + waiting_reservations_.size() < before);
        }
        buffers_.clear();
        reservations_.clear();
        const weir::pool_statistics numbers = pool_.statistics();
        REQUIRE(numbers.in_use_bytes == 0);
        REQUIRE(numbers.waiting == 0);
        REQUIRE(numbers.acquisitions == numbers.releases);
        REQUIRE(numbers.tiers[0].reserved + numbers.tiers[1].reserved == 0);
        for (int i = 0; i < 6; ++i)
            buffers_.push_back(pool_.acquire_now(small));
        REQUIRE(pool_.check());
    }

    std::mt19937_64 random_;
    asio::io_context io_;
    weir::buffer_pool pool_{{.tiers = {{small, 6}, {large, 4}}, .max_bytes = 4 * large, .max_mapped = 0}};
    std::list<weir::buffer> buffers_;
    std::list<weir::reservation> reservations_;
    std::vector<std::unique_ptr<request<weir::buffer>>> waiting_buffers_;
    std::vector<std::unique_ptr<request<weir::reservation>>> waiting_reservations_;
    std::uint64_t next_order_ = 0;
};

TEST_CASE("pool: random acquisitions, reservations, cancellations and drops lose no block, double none, and keep the order")
{
    for (std::uint64_t stream = 0; stream < 30; ++stream)
        player(100 + stream).play(400);
}

} // namespace
