// The public test suites of HTTP/1 over real sockets: what the client and the server make of a connection is what the
// readers of messages find in its bytes, sent whole, byte by byte and at random cuts. That those find what the suites expect
// is another test.
#include "io/http/vectors.hpp"
#include "io/http_server/serving.hpp"
#include "support/conversation.hpp"
#include "support/coroutine.hpp"
#include "support/seed.hpp"

#include <weir/http/client.hpp>
#include <weir/testing/origin.hpp>

#include <boost/json/src.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sockets_test {
namespace {

namespace asio = boost::asio;
namespace http = weir::http;
namespace json = boost::json;
using namespace std::chrono_literals;
using test::cuts;
using test::message;

constexpr std::array all_cuts = {cuts::none, cuts::bytes, cuts::random};

/// Where the pieces of `size` bytes end.
std::vector<std::uint64_t> random_ends(std::size_t size, std::mt19937_64& random)
{
    std::vector<std::uint64_t> ends;
    for (std::size_t at = random() % 40 + 1; at < size; at += random() % 40 + 1)
        ends.push_back(at);
    return ends;
}

/// What a client gets: the answer, as far as it came, and why no more came.
struct received {
    std::optional<http::response_head> head;
    std::string body;
    http::fields trailer;
    bool is_complete = false;
};

asio::awaitable<received> ask(http::client& web, http::request_head request)
{
    received out;
    weir::result<http::response> answer = co_await weir::as_result(web.send(std::move(request)));
    if (!answer)
        co_return out;
    out.head = answer->head();
    std::array<std::byte, 512> some;
    for (;;) {
        const weir::result<std::size_t> got = co_await weir::as_result(answer->read_some(some));
        if (!got)
            co_return out;
        if (*got == 0)
            break;
        out.body.append(reinterpret_cast<const char*>(some.data()), *got);
    }
    out.is_complete = true;
    out.trailer = answer->trailer();
    co_return out;
}

/// The one of `seen` that answers the request; null if none does.
const message<http::response_head>* final_of(const std::vector<message<http::response_head>>& seen)
{
    const auto found = std::ranges::find_if_not(seen, [](const auto& each) { return each.head.is_interim(); });
    return found == seen.end() || found->head.status == 101 ? nullptr : &*found;
}

void check_answer(const received& got, const message<http::response_head>* expected)
{
    REQUIRE(got.head.has_value() == (expected != nullptr));
    if (!expected)
        return;
    CHECK(*got.head == expected->head);
    CHECK(got.is_complete == expected->is_complete);
    CHECK((got.is_complete ? got.body == expected->body : expected->body.starts_with(got.body)));
    CHECK(got.trailer == (got.is_complete ? expected->trailer : http::fields()));
}

TEST_CASE("vectors: a client finds in an answer what its readers find, over a socket")
{
    const auto vectors = test::read_vectors("responses.json");
    if (!vectors)
        return;
    CAPTURE(test::seed());
    std::mt19937_64 random = test::generator(1);
    weir::testing::script played;
    const json::array& cases = vectors->at("cases").as_array();
    const auto path = [](std::size_t number, cuts how) {
        return "/" + std::to_string(number) + "/" + std::to_string(static_cast<int>(how));
    };
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const std::string raw = test::decoded(cases[i].at("raw_b64"));
        played.on(path(i, cuts::none)).send(raw).close();
        played.on(path(i, cuts::bytes)).send(raw).close().split_every(1);
        played.on(path(i, cuts::random)).send(raw).close().split_at(random_ends(raw.size(), random));
    }
    weir::testing::origin server(std::move(played));
    asio::io_context context;
    http::client_options options;
    options.proxy.proxy = "";
    options.redirects.follow = false;
    http::client web(context.get_executor(), options);
    for (std::size_t i = 0; i < cases.size(); ++i) {
        CAPTURE(cases[i].at("id").as_string().c_str());
        const std::string method = cases[i].at("request").at("method").as_string().c_str();
        const auto seen
            = test::conversation<http::response_reader>(method).read(test::decoded(cases[i].at("raw_b64")), cuts::none, random);
        for (const cuts how : all_cuts) {
            CAPTURE(static_cast<int>(how));
            http::request_head request{method, http::url::parse(server.url(path(i, how))), {}};
            check_answer(test::await(context, ask(web, std::move(request))), final_of(seen.messages));
        }
    }
    web.close();
}

/// What a handler was given.
struct taken {
    std::string method, target, body;

    friend bool operator==(const taken&, const taken&) = default;
};

/// Keeps what came whole.
class keeper {
public:
    [[nodiscard]] http::handler handler()
    {
        return [this](http::server_exchange& with) { return take(with); };
    }
    [[nodiscard]] std::vector<taken> all()
    {
        const std::lock_guard lock(mutex_);
        return std::exchange(taken_, {});
    }

private:
    asio::awaitable<void> take(http::server_exchange& with)
    {
        taken got{with.request().method, with.request().target, {}};
        std::array<std::byte, 100> some;
        for (std::size_t bytes = 1; bytes > 0;) {
            bytes = co_await with.read_some(some);
            got.body.append(reinterpret_cast<const char*>(some.data()), bytes);
        }
        {
            const std::lock_guard lock(mutex_);
            taken_.push_back(std::move(got));
        }
        co_await with.reply(204, "");
    }

    std::mutex mutex_;
    std::vector<taken> taken_;
};

/// What a server hands to its handler: all requests that come whole, up to the first that it refuses itself or that is
/// the last of its connection.
std::vector<taken> expected_of(const std::vector<message<http::received_request>>& seen)
{
    std::vector<taken> out;
    for (const message<http::received_request>& each : seen) {
        const auto expect = each.head.header.find("Expect");
        const bool is_refused = each.head.method == "CONNECT" || (expect && !http::same_name(*expect, "100-continue"));
        if (!each.is_complete || is_refused)
            break;
        out.push_back({each.head.method, each.head.target, each.body});
    }
    return out;
}

void send(test::client& to, const std::string& raw, cuts how, std::mt19937_64& random)
{
    std::vector<std::uint64_t> ends = random_ends(raw.size(), random);
    if (how == cuts::none)
        ends.clear();
    ends.push_back(raw.size());
    std::size_t at = 0;
    for (const std::uint64_t end : ends) {
        const std::size_t step = how == cuts::bytes ? 1 : end - at;
        for (; at < end; at += step)
            if (to.send_what_is_taken(raw.substr(at, step)) != std::min(step, raw.size() - at))
                return; // the server has had enough
    }
    to.end_sending();
}

TEST_CASE("vectors: a server hands on what its readers find in a connection, over a socket, and answers what it refuses")
{
    const auto vectors = test::read_vectors("requests.json");
    if (!vectors)
        return;
    CAPTURE(test::seed());
    std::mt19937_64 random = test::generator(2);
    keeper kept;
    http::server_options options;
    options.close_time = 20ms;
    test::serving server(kept.handler(), options);
    for (const json::value& each : vectors->at("cases").as_array()) {
        CAPTURE(each.at("id").as_string().c_str());
        const std::string raw = test::with_host(test::decoded(each.at("raw_b64")));
        const auto seen = test::conversation<http::request_reader>().read(raw, cuts::none, random);
        const std::vector<taken> expected = expected_of(seen.messages);
        for (const cuts how : all_cuts) {
            CAPTURE(static_cast<int>(how));
            test::client client = server.connect();
            send(client, raw, how, random);
            const std::string answers = client.rest();
            CHECK(kept.all() == expected);
            std::size_t good = 0;
            for (std::size_t at = answers.find("HTTP/1.1 204 "); at != std::string::npos; at = answers.find("HTTP/1.1 204 ", at + 1))
                ++good;
            CHECK(good == expected.size());
            const bool is_refused = seen.refused == weir::errc::protocol_violation && expected.size() == seen.messages.size();
            if (is_refused)
                CHECK((test::has(answers, "HTTP/1.1 4") || test::has(answers, "HTTP/1.1 5")));
        }
    }
}

} // namespace
} // namespace sockets_test
