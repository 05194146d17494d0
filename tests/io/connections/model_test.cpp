// Random users of a pool on one thread, with a look at the books after every step.
#include <weir/connection_pool.hpp>

#include "fake_connections.hpp"
#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <list>
#include <random>
#include <set>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

/// What a manager waits for, until the test ends it, well or badly.
class openings {
public:
    asio::awaitable<void> pass()
    {
        const auto mine = std::make_shared<opening>();
        waiting_.push_back(mine);
        co_await mine->event.async_wait(asio::use_awaitable); // a cancelled one is ended in its turn, for nobody
        if (mine->fails)
            throw weir::error(std::make_error_code(std::errc::connection_refused), "connect");
    }
    void end_one(std::size_t which, bool fails)
    {
        if (waiting_.empty())
            return;
        const auto place = std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(which % waiting_.size()));
        (*place)->fails = fails;
        (*place)->event.set();
        waiting_.erase(place);
    }
    void end_all()
    {
        while (!waiting_.empty())
            end_one(0, false);
    }

private:
    struct opening {
        weir::detail::async_event event;
        bool fails = false;
    };
    std::list<std::shared_ptr<opening>> waiting_;
};

constexpr std::size_t total = 5;
constexpr std::size_t per_key = 3;
constexpr std::size_t keys = 3;

template <class Manager> class model {
public:
    model(weir::unwanted_connection policy, std::mt19937_64& random)
        : random_(random),
          pool_(io_.get_executor(), Manager{{&world_}},
                {.max_total = total, .max_per_key = per_key, .check_when_idle_for = 0s, .unwanted = policy})
    {
        world_.on_create = [this](int) { return openings_.pass(); };
        world_.on_check = [this](int) { return one_of(2) ? openings_.pass() : at_once(); };
        world_.on_recycle = world_.on_check;
        world_.on_close = world_.on_check;
    }

    void step()
    {
        switch (random_() % 9) {
        case 0:
        case 1:
        case 2: return come();
        case 3: return cancel_one();
        case 4:
        case 5: return leave_one();
        case 6: return openings_.end_one(random_(), true);
        default: return openings_.end_one(random_(), false);
        }
    }

    /// Whoever waits has come later than who is served; no limit is passed; and nobody waits for nothing.
    void look()
    {
        test::run_ready(io_);
        const auto books = pool_.statistics();
        CHECK(out_of_turn_ == 0);
        CHECK(world_.all.most <= static_cast<int>(total));
        CHECK(world_.all.now == static_cast<int>(books.total));
        CHECK(books.total
              == books.creating + books.checking + books.idle + books.borrowed + books.recycling + books.closing);
        for (std::size_t key = 0; key < keys; ++key) {
            const std::size_t present = static_cast<std::size_t>(world_.of_key[key].now);
            CHECK(world_.of_key[key].most <= static_cast<int>(per_key));
            if (present == per_key || waiting_[key].size() + lent(key) <= present)
                continue; // it cannot have more, or one may be on the way for each
            CHECK(books.total == total);
            CHECK((books.idle == 0 || books.closing > 0));
        }
    }

    /// Lets all that is under way end. Then everybody has an answer, and as many as ever can be lent.
    void finish()
    {
        for (int round = 0; round < 1000 && !users_.empty(); ++round) {
            openings_.end_all();
            look();
            leave_one();
        }
        REQUIRE(users_.empty());
        for (std::size_t i = 0; i < total; ++i)
            come(i % keys);
        for (int round = 0; round < 20; ++round) {
            openings_.end_all();
            look();
        }
        CHECK(pool_.statistics().borrowed == total);
        pool_.close();
        users_.clear();
        for (int round = 0; round < 20; ++round) {
            openings_.end_all();
            test::run_ready(io_);
        }
        CHECK(world_.all.now == 0);
    }

private:
    struct user {
        std::size_t key;
        std::uint64_t arrival;
        asio::cancellation_signal stop;
        test::lent got;
        bool done = false;
    };

    static asio::awaitable<void> at_once() { co_return; }
    bool one_of(std::uint64_t many) { return random_() % many == 0; }

    void come() { come(random_() % keys); }
    void come(std::size_t key)
    {
        user& who = *users_.emplace_back(std::make_unique<user>());
        who.key = key;
        who.arrival = ++arrivals_;
        waiting_[key].insert(who.arrival);
        auto told = [this, &who](boost::system::error_code, test::lent got) {
            out_of_turn_ += got && *waiting_[who.key].begin() != who.arrival ? 1 : 0;
            waiting_[who.key].erase(who.arrival);
            who.got = std::move(got);
            who.done = true;
        };
        pool_.async_acquire(static_cast<int>(key),
                            asio::bind_cancellation_slot(who.stop.slot(), asio::bind_executor(io_, std::move(told))));
    }

    void cancel_one()
    {
        if (!users_.empty())
            users_[random_() % users_.size()]->stop.emit(asio::cancellation_type::total);
    }

    void leave_one()
    {
        const auto who = std::ranges::find_if(users_, [](const auto& each) { return each->done; });
        if (who == users_.end())
            return;
        if ((*who)->got && one_of(4))
            (*who)->got.mark_broken();
        users_.erase(who);
    }

    [[nodiscard]] std::size_t lent(std::size_t key) const
    {
        return static_cast<std::size_t>(std::ranges::count_if(
            users_, [&](const auto& each) { return each->key == key && static_cast<bool>(each->got); }));
    }

    std::mt19937_64& random_;
    test::world world_;
    openings openings_;
    std::array<std::set<std::uint64_t>, keys> waiting_;
    std::uint64_t arrivals_ = 0;
    int out_of_turn_ = 0;
    asio::io_context io_;
    weir::connection_pool<Manager> pool_;
    std::deque<std::unique_ptr<user>> users_;
};

template <class Manager> void play(weir::unwanted_connection policy, std::uint64_t stream)
{
    CAPTURE(stream);
    auto random = test::generator(stream);
    model<Manager> game(policy, random);
    for (int i = 0; i < 400; ++i) {
        game.step();
        if (random() % 2 == 0) // else several things happen before anybody is told
            game.look();
    }
    game.finish();
}

TEST_CASE("pool: whatever users and peers do, turns and limits hold, and no place and no wake-up is lost")
{
    for (std::uint64_t stream = 0; stream < 25; ++stream)
        for (const auto policy : {weir::unwanted_connection::keep, weir::unwanted_connection::cancel}) {
            play<test::plain_manager>(policy, stream);
            play<test::full_manager>(policy, stream);
        }
}

} // namespace
