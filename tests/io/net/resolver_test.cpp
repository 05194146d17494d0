#include <weir/net/resolver.hpp>

#include "support/coroutine.hpp"

#include <weir/detail/async_event.hpp>
#include <weir/error.hpp>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace resolver_test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::make_address;
using asio::ip::tcp;
using weir::net::resolver;
using weir::net::resolver_options;
using clock_type = std::chrono::steady_clock;
using endpoints = std::vector<tcp::endpoint>;

constexpr auto no_deadline = clock_type::time_point::max();

/// Look-ups that take as long as a test wants.
class phone_book {
public:
    [[nodiscard]] resolver_options options()
    {
        resolver_options made;
        made.lookup = [page = page_](const std::string& host) { return page->look_up(host); };
        return made;
    }

    void add(const std::string& host, std::vector<asio::ip::address> addresses)
    {
        const std::lock_guard lock(page_->mutex);
        page_->entries[host] = std::move(addresses);
    }
    /// Look-ups wait until they are let go.
    void hold()
    {
        const std::lock_guard lock(page_->mutex);
        page_->held = true;
    }
    void let_go()
    {
        const std::lock_guard lock(page_->mutex);
        page_->held = false;
        page_->changed.notify_all();
    }
    /// Waits until so many are in the look-up function.
    void wait_for_running(int count)
    {
        std::unique_lock lock(page_->mutex);
        page_->changed.wait(lock, [&] { return page_->running == count; });
    }
    [[nodiscard]] int calls() const
    {
        const std::lock_guard lock(page_->mutex);
        return page_->calls;
    }
    [[nodiscard]] int most_at_a_time() const
    {
        const std::lock_guard lock(page_->mutex);
        return page_->most;
    }

private:
    // The resolver's threads have it too: they end when they like.
    struct page {
        std::vector<asio::ip::address> look_up(const std::string& host)
        {
            std::unique_lock lock(mutex);
            ++calls;
            most = std::max(most, ++running);
            changed.notify_all();
            changed.wait(lock, [this] { return !held; });
            --running;
            changed.notify_all();
            if (const auto found = entries.find(host); found != entries.end())
                return found->second;
            throw weir::error(weir::errc::resolve_failed, "resolve", host, std::nullopt, "not in the book");
        }

        std::mutex mutex;
        std::condition_variable changed;
        std::map<std::string, std::vector<asio::ip::address>> entries;
        bool held = false;
        int running = 0;
        int most = 0;
        int calls = 0;
    };
    std::shared_ptr<page> page_ = std::make_shared<page>();
};

const auto documentation = make_address("192.0.2.7");

TEST_CASE("resolver: numeric addresses and localhost need no look-up, nor the loop")
{
    asio::io_context context;
    phone_book book;
    resolver names(book.options());
    const auto known = [&](std::string_view host) {
        test::task<endpoints> asking(context.get_executor(), names.resolve(host, 80, no_deadline));
        context.restart();
        context.poll();
        return asking.outcome().value();
    };
    CHECK(known("192.0.2.1") == endpoints{{make_address("192.0.2.1"), 80}});
    CHECK(known("2001:db8::1") == endpoints{{make_address("2001:db8::1"), 80}});
    CHECK(known("[2001:db8::1]") == endpoints{{make_address("2001:db8::1"), 80}});
    const endpoints loopback{{make_address("::1"), 80}, {make_address("127.0.0.1"), 80}};
    for (const std::string_view host : {"localhost", "LOCALHOST", "localhost.", "any.localhost"})
        CHECK(known(host) == loopback);
    CHECK(book.calls() == 0);
}

TEST_CASE("resolver: an answer is given with the port, and remembered for all ports and spellings")
{
    asio::io_context context;
    phone_book book;
    book.add("peer.test", {documentation, make_address("2001:db8::7")});
    resolver names(book.options());
    const endpoints expected{{documentation, 443}, {make_address("2001:db8::7"), 443}};
    CHECK(test::await(context, names.resolve("peer.test", 443, no_deadline)) == expected);
    CHECK(test::await(context, names.resolve("Peer.Test", 80, no_deadline)).front().port() == 80);
    CHECK(book.calls() == 1);
    CHECK(names.statistics().cached == 1);
    CHECK(names.statistics().lookups == 1);
    names.clear_cache();
    CHECK(test::await(context, names.resolve("peer.test", 443, no_deadline)) == expected);
    CHECK(book.calls() == 2);
}

TEST_CASE("resolver: nothing is remembered without a cache, and old answers are forgotten")
{
    asio::io_context context;
    phone_book book;
    book.add("peer.test", {documentation});
    auto options = book.options();
    const auto ask = [&](resolver& names) { test::await(context, names.resolve("peer.test", 1, no_deadline)); };
    SUBCASE("without")
    {
        options.cache_time = 0ms;
        resolver names(options);
        ask(names);
        ask(names);
        CHECK(book.calls() == 2);
    }
    SUBCASE("old")
    {
        options.cache_time = 1ms;
        resolver names(options);
        ask(names);
        const auto start = clock_type::now();
        while (book.calls() == 1 && clock_type::now() - start < 10s)
            ask(names);
        CHECK(book.calls() == 2);
    }
}

TEST_CASE("resolver: what cannot be resolved is an error with the host and the reason, and is not remembered")
{
    asio::io_context context;
    phone_book book;
    book.add("empty.test", {});
    resolver names(book.options());
    const auto refusal = [&](std::string_view host) {
        const auto outcome = test::await(context, weir::as_result(names.resolve(host, 1, no_deadline)));
        CHECK(outcome.code() == weir::errc::resolve_failed);
        return outcome.message();
    };
    CHECK(refusal("nobody.test") == "resolve nobody.test: the host name cannot be resolved (not in the book)");
    CHECK(refusal("empty.test") == "resolve empty.test: the host name cannot be resolved (it has no address)");
    CHECK(refusal("") == "resolve: the host name cannot be resolved (not a host name)");
    CHECK(refusal(std::string(300, 'a')).ends_with("(not a host name)"));
    refusal(std::string_view("peer.test\0.evil", 15));
    book.add("nobody.test", {documentation});
    CHECK(test::await(context, names.resolve("nobody.test", 1, no_deadline)).size() == 1);
    CHECK(names.statistics().lookups == 3);
    CHECK(names.statistics().failures == 2);
}

TEST_CASE("resolver: the system says why a name has no address")
{
    // RFC 6761: no name ends so. Without a network nobody can say that.
    const auto failed = [](const std::string& host) { static_cast<void>(weir::net::system_lookup(host)); };
    CHECK_THROWS_AS(failed("nobody.invalid"), weir::error);
    CHECK_FALSE(weir::net::system_lookup("localhost").empty());
    asio::io_context context;
    resolver names;
    const auto outcome = test::await(context, weir::as_result(names.resolve("nobody.invalid", 1, no_deadline)));
    const bool offline = outcome.code() == weir::errc::resolver_unavailable;
    CHECK((offline || outcome.code() == weir::errc::resolve_failed));
    CHECK(outcome.message().starts_with(offline ? "resolve nobody.invalid: the host name cannot be looked up now ("
                                                : "resolve nobody.invalid: the host name cannot be resolved ("));
}

TEST_CASE("resolver: who is cancelled leaves at once, and the look-up ends for those who ask next")
{
    asio::io_context context;
    phone_book book;
    book.add("peer.test", {documentation});
    book.hold();
    resolver names(book.options());
    test::task<endpoints> asking(context.get_executor(), names.resolve("peer.test", 1, no_deadline));
    test::run_ready(context);
    book.wait_for_running(1);
    CHECK_FALSE(asking.done());
    asking.cancel();
    test::run_ready(context);
    CHECK(asking.outcome().code() == weir::condition::cancelled);
    book.let_go();
    book.wait_for_running(0);
    const auto start = clock_type::now(); // the answer is on its way from the thread
    while (names.statistics().running > 0 && clock_type::now() - start < 10s)
        std::this_thread::yield();
    CHECK(test::await(context, names.resolve("peer.test", 1, no_deadline)).size() == 1);
    CHECK(book.calls() == 1);
}

TEST_CASE("resolver: nobody waits beyond the deadline")
{
    asio::io_context context;
    phone_book book;
    book.hold();
    resolver names(book.options());
    for (const auto limit : {clock_type::now() + 2ms, clock_type::now() - 1ms}) {
        const auto outcome = test::await(context, weir::as_result(names.resolve("peer.test", 1, limit)));
        CHECK(outcome.code() == weir::errc::deadline_exceeded);
        CHECK(outcome.message() == "resolve peer.test: deadline exceeded");
    }
    book.let_go();
}

TEST_CASE("resolver: a name is looked up once however many ask for it")
{
    asio::io_context context;
    phone_book book;
    book.add("peer.test", {documentation});
    book.hold();
    resolver names(book.options());
    std::vector<test::task<endpoints>> asking;
    for (int i = 0; i < 20; ++i)
        asking.emplace_back(context.get_executor(), names.resolve("peer.test", 1, no_deadline));
    test::run_ready(context);
    book.wait_for_running(1);
    asking.front().cancel();
    test::run_ready(context);
    book.let_go();
    context.restart();
    context.run();
    CHECK(asking.front().outcome().code() == weir::condition::cancelled);
    for (std::size_t i = 1; i < asking.size(); ++i)
        CHECK(asking[i].outcome().value().size() == 1);
    CHECK(book.calls() == 1);
}

TEST_CASE("resolver: more names than threads wait for their turn, but not more than may")
{
    asio::io_context context;
    phone_book book;
    book.hold();
    auto options = book.options();
    options.threads = 3;
    options.max_waiting = 5;
    resolver names(options);
    std::vector<std::string> hosts;
    for (int i = 0; i < 10; ++i) {
        hosts.push_back("host" + std::to_string(i) + ".test");
        book.add(hosts.back(), {documentation});
    }
    std::vector<test::task<endpoints>> asking;
    for (int i = 0; i < 3; ++i) {
        asking.emplace_back(context.get_executor(), names.resolve(hosts[static_cast<std::size_t>(i)], 1, no_deadline));
        test::run_ready(context);
        book.wait_for_running(i + 1);
    }
    for (std::size_t i = 3; i < 9; ++i)
        asking.emplace_back(context.get_executor(), names.resolve(hosts[i], 1, no_deadline));
    test::run_ready(context);
    CHECK(names.statistics().running == 3);
    CHECK(names.statistics().waiting == 5);
    CHECK(asking.back().outcome().code() == weir::errc::queue_full);
    asking[7].cancel(); // before its turn: nobody looks it up
    test::run_ready(context);
    CHECK(asking[7].done());
    CHECK(names.statistics().waiting == 4);
    book.let_go();
    context.restart();
    context.run();
    for (std::size_t i = 0; i < 7; ++i)
        CHECK(asking[i].outcome().value().size() == 1);
    CHECK(book.calls() == 7);
    CHECK(book.most_at_a_time() == 3);
}

TEST_CASE("resolver: its end waits for no look-up, and is told to those who wait")
{
    asio::io_context context;
    phone_book book;
    book.hold();
    auto names = std::make_unique<resolver>(book.options());
    test::task<endpoints> asking(context.get_executor(), names->resolve("peer.test", 1, no_deadline));
    test::run_ready(context);
    book.wait_for_running(1);
    SUBCASE("told")
    {
        names.reset();
        context.restart();
        context.run();
        CHECK(asking.outcome().code() == weir::errc::closed);
    }
    SUBCASE("nobody is left to tell") {}
    book.let_go();
}

TEST_CASE("resolver: impossible options are refused by name")
{
    for (const std::string_view option : {"threads", "max_waiting", "cache_time"}) {
        resolver_options options;
        (option == "threads" ? options.threads : options.max_waiting) = option == "cache_time" ? 1 : 0;
        options.cache_time = option == "cache_time" ? -1ms : 1ms;
        try {
            resolver names(options);
            FAIL("made");
        }
        catch (const weir::error& refused) {
            CHECK(refused.code() == weir::errc::bad_configuration);
            CHECK(refused.subject() == option);
        }
    }
}

TEST_CASE("resolver: many threads may ask, leave and be answered at a time")
{
    phone_book book;
    auto options = book.options();
    options.threads = 2;
    options.cache_time = 1ms;
    for (int i = 0; i < 8; ++i)
        book.add("host" + std::to_string(i), {documentation});
    resolver names(options);
    std::atomic<int> answered{0};
    std::atomic<int> ended{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            asio::io_context context;
            for (int i = 0; i < 200; ++i) {
                const std::string host = "host" + std::to_string(i % 8);
                test::task<endpoints> staying(context.get_executor(), names.resolve(host, 1, no_deadline));
                test::task<endpoints> leaving(context.get_executor(), names.resolve(host, 1, no_deadline));
                test::run_ready(context);
                leaving.cancel();
                context.restart();
                context.run();
                answered += staying.outcome().has_value() ? 1 : 0;
                ended += leaving.done() ? 1 : 0;
            }
        });
    for (std::thread& each : threads)
        each.join();
    CHECK(answered == 600);
    CHECK(ended == 600);
}

} // namespace
} // namespace resolver_test
