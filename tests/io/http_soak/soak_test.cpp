// Traffic of all kinds at once, over servers that fail in all ways: whatever comes whole is right, and at the end nothing
// is left. WEIR_SOAK_SECONDS says for how long.

#include "mischief.hpp"

#include "io/net/descriptors.hpp"
#include "support/seed.hpp"

#include <weir/as_result.hpp>
#include <weir/cancel.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>
#include <weir/flow.hpp>
#include <weir/http/fetch.hpp>
#include <weir/http/server.hpp>
#include <weir/http/sink.hpp>
#include <weir/http/source.hpp>
#include <weir/memory_source.hpp>
#include <weir/testing/generated.hpp>
#include <weir/testing/origin.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using weir::testing::origin;

std::chrono::seconds duration()
{
    const char* const text = std::getenv("WEIR_SOAK_SECONDS");
    return std::chrono::seconds(text ? std::strtol(text, nullptr, 10) : 2);
}

/// What came of all operations, from any thread.
class score {
public:
    std::atomic<std::uint64_t> whole{0}, failed{0}, cancelled{0}, uploaded{0};

    void blame(std::string what)
    {
        const std::lock_guard lock(mutex_);
        if (faults_.size() < 10)
            faults_.push_back(std::move(what));
    }
    void count(const test::place& from, const weir::result<void>& outcome)
    {
        if (outcome) {
            ++whole;
            if (from.must_fail)
                blame(from.path + " came whole");
        }
        else if (outcome.code() == weir::condition::cancelled || outcome.code() == weir::errc::deadline_exceeded) {
            ++cancelled;
        }
        else {
            ++failed;
        }
    }
    [[nodiscard]] std::string faults() const
    {
        const std::lock_guard lock(mutex_);
        std::string all;
        for (const std::string& each : faults_)
            all += each + "\n";
        return all;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> faults_;
};

/// A server with its mischief, and the URLs to reach it by.
struct side {
    side(std::mt19937_64& random, const test::identity* identity) : side(test::make_mischief(random, identity)) {}
    explicit side(test::mischief made)
        : places(std::move(made.places)), uploads(std::move(made.uploads)), server(std::move(made.played), few_records())
    {
        base = server.url("");
        if (base.starts_with("https"))
            base = "https://localhost:" + std::to_string(server.port());
    }
    static weir::testing::origin_options few_records()
    {
        weir::testing::origin_options options;
        options.kept_requests = 10;
        options.kept_body_bytes = 0;
        return options;
    }

    std::vector<test::place> places;
    std::vector<std::string> uploads;
    origin server;
    std::string base;
};

class soak {
public:
    soak()
        : random_(test::generator(1)), plain_(random_, nullptr), secured_(random_, &server_identity_),
          engine_(pool_.get_executor(), engine_options()),
          client_(std::make_unique<http::client>(pool_.get_executor(), client_options())),
          relay_(pool_.get_executor(), [this](http::server_exchange& with) { return relay(with); }),
          relay_base_("http://" + address_of(relay_.listen({asio::ip::address_v4::loopback(), 0})))
    {
    }

    void run(clock_type::duration time)
    {
        const auto end = clock_type::now() + time;
        std::vector<std::future<void>> workers;
        for (std::uint64_t i = 0; i != 8; ++i)
            workers.push_back(
                asio::co_spawn(asio::make_strand(pool_), work(test::generator(10 + i), end), asio::use_future));
        for (std::future<void>& each : workers)
            each.get();
        asio::co_spawn(pool_, relay_.stop(clock_type::now() + 5s), asio::use_future).get();
        const auto patience = clock_type::now() + 20s;
        const auto at_rest = [this] {
            return client_->statistics().borrowed == 0 && engine_.pool().statistics().in_use_bytes == 0;
        };
        while (!at_rest() && clock_type::now() < patience)
            std::this_thread::yield();
        CHECK(client_->statistics().borrowed == 0);
        CHECK(client_->statistics().waiting == 0);
        CHECK(engine_.pool().statistics().in_use_bytes == 0);
        CHECK(engine_.pool().check());
        client_.reset();
        pool_.join();
    }

    score result;

private:
    static std::string address_of(const asio::ip::tcp::endpoint& where)
    {
        return where.address().to_string() + ":" + std::to_string(where.port());
    }
    static weir::engine_options engine_options()
    {
        weir::engine_options options;
        options.memory_bytes = std::size_t{16} << 20;
        options.block_bytes = std::size_t{64} << 10;
        options.workers.threads = 2;
        return options;
    }
    http::client_options client_options() const
    {
        http::client_options options;
        options.proxy.proxy = ""; // whatever the environment says
        options.tls.ca_file = authority_.certificate_file;
        options.retry.base = 1ms;
        options.limits.idle = 5s;
        options.limits.first_byte = 5s;
        options.connections.max_per_key = 64;
        options.connections.max_total = 128;
        return options;
    }

    asio::awaitable<void> work(std::mt19937_64 random, clock_type::time_point end)
    {
        for (std::size_t done = 0; clock_type::now() < end || done < 20; ++done) {
            const side& from = random() % 3 == 0 ? secured_ : plain_;
            switch (random() % 8) {
            case 0: co_await fetch_many(random, from); break;
            case 1: co_await upload(random, from); break;
            default: co_await read_one(random, from); break;
            }
        }
    }

    /// One of the places, as a source: whole, up to some deadline, or dropped in the middle.
    asio::awaitable<void> read_one(std::mt19937_64& random, const side& from)
    {
        const test::place& place = from.places[random() % from.places.size()];
        const bool through_relay = &from == &plain_ && random() % 4 == 0;
        http::source_options options;
        options.parallel = random() % 4 == 0 ? 3 : 1;
        options.part_bytes = std::uint64_t{64} << 10;
        const bool hasty = random() % 4 == 0;
        const auto deadline = clock_type::now() + (hasty ? std::chrono::microseconds(random() % 20'000) : 30s);
        auto reading = read(random(), (through_relay ? relay_base_ : from.base) + place.path, place, options);
        const weir::result<void> outcome
            = co_await weir::as_result(weir::with_deadline(std::move(reading), deadline));
        result.count(place, outcome);
    }

    asio::awaitable<void> read(std::uint64_t whim, std::string url, test::place place, http::source_options options)
    {
        const auto input = co_await http::open(*client_, http::url::parse(url), options);
        weir::reservation memory
            = co_await engine_.pool().async_reserve(2 + whim % 7, engine_.block_bytes(), asio::use_awaitable);
        std::uint64_t position = 0;
        for (;;) {
            const weir::bytes got = co_await input->read(memory, 1 + (whim >> 8) % 300'000);
            if (got.empty())
                break;
            for (const weir::slice& part : got) {
                if (!weir::testing::is_generated(place.seed, position, part.span()))
                    result.blame(url + ": wrong bytes behind " + std::to_string(position));
                position += part.size();
            }
            if ((whim >> 32) % 16 == 0)
                throw weir::error(weir::errc::closed, "read", url); // and leave it
        }
        co_await input->close();
        if (position != place.size)
            result.blame(url + ": " + std::to_string(position) + " bytes instead of " + std::to_string(place.size));
    }

    asio::awaitable<void> fetch_many(std::mt19937_64& random, const side& from)
    {
        constexpr std::size_t room = 64 << 10;
        std::vector<weir::url_request> requests(1 + random() % 20);
        const std::size_t first = random() % from.places.size();
        for (std::size_t i = 0; i != requests.size(); ++i) {
            requests[i].url = from.base + from.places[(first + i) % from.places.size()].path;
            requests[i].room = engine_.pool().try_acquire(room).value_or(weir::buffer());
        }
        const http::source_options plainly;
        requests = co_await http::fetch_all(*client_, std::move(requests), plainly, 1 + random() % 5);
        for (std::size_t i = 0; i != requests.size(); ++i) {
            const test::place& place = from.places[(first + i) % from.places.size()];
            const weir::url_request& request = requests[i];
            if (!request.is_whole)
                continue;
            ++result.whole;
            const std::span<const std::byte> body(request.room.data(), request.room.size());
            if (place.must_fail || body.size() != place.size || !weir::testing::is_generated(place.seed, 0, body))
                result.blame(request.url + " was fetched wrong");
        }
    }

    asio::awaitable<void> upload(std::mt19937_64& random, const side& from)
    {
        const std::string& path = from.uploads[random() % from.uploads.size()];
        const std::string content(random() % 500'000, 'u');
        http::sink_options options;
        if (random() % 2 == 0)
            options.length = content.size();
        http::http_sink out(*client_, http::url::parse(from.base + path), options);
        weir::stream_options cut;
        cut.chunker = weir::fixed(std::size_t{64} << 10);
        auto sending = weir::run_flow(engine_, std::make_unique<weir::memory_source>(content), out, cut);
        const weir::result<weir::flow_statistics> sent
            = co_await weir::as_result(weir::with_deadline(std::move(sending), clock_type::now() + 30s));
        if (sent)
            ++result.uploaded;
        if (sent && path != "/taken")
            result.blame(path + " was taken");
    }

    /// Gives what the plain server has, in chunks: so that what fails behind the last byte is seen too.
    asio::awaitable<void> relay(http::server_exchange& with)
    {
        const std::string url = plain_.base + with.request().path();
        const auto input = co_await http::open(*client_, http::url::parse(url));
        weir::reservation memory = co_await engine_.pool().async_reserve(3, engine_.block_bytes(), asio::use_awaitable);
        http::response_head head;
        head.status = 200;
        with.begin(head);
        for (;;) {
            const weir::bytes got = co_await input->read(memory, std::size_t{64} << 10);
            if (got.empty())
                break;
            co_await with.write(got);
        }
        co_await with.finish();
    }

    std::mt19937_64 random_;
    test::temp_dir directory_;
    test::identity authority_ = test::make_authority(directory_);
    test::identity server_identity_ = test::make_identity(directory_, {.names = "DNS:localhost"}, &authority_);
    side plain_;
    side secured_;
    asio::thread_pool pool_{2};
    weir::engine engine_;
    std::unique_ptr<http::client> client_;
    http::server relay_;
    std::string relay_base_;
};

TEST_CASE("soak: over mixed traffic with faults, what comes whole is right, and nothing is left")
{
    const std::size_t sockets = test::open_sockets();
    {
        soak traffic;
        traffic.run(duration());
        MESSAGE(traffic.result.whole.load(), " whole, ", traffic.result.failed.load(), " failed, ",
                traffic.result.cancelled.load(), " cancelled, ", traffic.result.uploaded.load(), " uploaded");
        CHECK(traffic.result.faults() == "");
        CHECK(traffic.result.whole > 20);
        CHECK(traffic.result.failed > 5);
        CHECK(traffic.result.uploaded > 0);
    }
    CHECK(test::open_sockets() == sockets);
}

} // namespace
