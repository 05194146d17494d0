// A fetch that is cancelled after any of its steps, or whose context ends there, leaves nothing behind.

#include "io/net/descriptors.hpp"
#include "support/certificates.hpp"
#include "support/temp_dir.hpp"
#include "web.hpp"

#include <weir/detail/async_event.hpp>
#include <weir/error.hpp>
#include <weir/testing/generated.hpp>

#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace {

namespace asio = boost::asio;
namespace detail = weir::detail;
using test::web;
using weir::testing::at_body;
using weir::testing::origin;
using weir::testing::script;

constexpr std::size_t size = 300'000;

/// A redirect, a broken body that is taken up again, and chunks: all the steps there are.
script eventful()
{
    script played;
    played.object("big", size, 7);
    played.on("/").redirect(302, "/big");
    played.on("/big").request(1).serve("big").reset(at_body(100'000));
    played.on("/big").serve("big").chunked(10'000);
    return played;
}

/// \returns  whether it came to its end before the step at which it was to be cancelled
bool cancel_after(int steps, const weir::http::source_options& options)
{
    origin server(eventful());
    web web;
    auto running = web.begin(server.url("/"), options);
    const bool ended = test::cancel_after(steps, web, running);
    if (running.outcome())
        CHECK(running.outcome()->body.size() == size);
    CHECK(web.blocks_in_use() == 0);
    return ended;
}

TEST_CASE("cancel: after any step, blocks and connections are back")
{
    for (const std::size_t parallel : {1ul, 3ul}) {
        CAPTURE(parallel);
        weir::http::source_options options;
        options.parallel = parallel;
        options.part_bytes = 64 << 10;
        int steps = 0;
        while (!cancel_after(steps, options))
            ++steps;
        CHECK(steps > 10);
    }
}

TEST_CASE("cancel: an io_context that ends after any step frees all of it")
{
    for (int steps = 0;; ++steps) {
        origin server(eventful());
        web web;
        auto running = web.begin(server.url("/"), {});
        for (int i = 0; i != steps && !running.done(); ++i)
            web.context.run_one();
        if (running.done())
            break;
    }
}

/// https through the tunnel of a proxy, to a server that is busy at first, and then breaks off.
class tunnelled {
public:
    tunnelled()
    {
        test::certificate_wish wish;
        wish.names = "IP:127.0.0.1";
        server_ = test::make_identity(folder_, wish);
    }

    [[nodiscard]] script server(std::string_view retry_after) const
    {
        script played;
        played.tls(server_.certificate_file, server_.key_file);
        played.object("big", size, 7);
        played.on("/held").serve("big");
        played.on("/big").request(1).answer(503).header("Retry-After", retry_after);
        played.on("/big").request(2).serve("big").reset(at_body(100'000));
        played.on("/big").serve("big");
        return played;
    }
    [[nodiscard]] static script proxy()
    {
        script played;
        played.on("CONNECT", "*").tunnel();
        return played;
    }
    [[nodiscard]] weir::http::client_options options(const origin& proxy) const
    {
        weir::http::client_options out = web::quick();
        out.proxy.proxy = proxy.url("/");
        out.tls.ca_file = server_.certificate_file;
        out.connections.max_per_key = out.connections.max_total = 1;
        return out;
    }

private:
    test::temp_dir folder_;
    test::identity server_;
};

/// Holds the only connection that there may be, until it is told to let it go.
asio::awaitable<void> hold_connection(web& where, std::string url, detail::async_event& let_go)
{
    weir::http::request_head ask{"GET", weir::http::url::parse(url), {}};
    const weir::http::response answer = co_await where.client.send(std::move(ask));
    co_await let_go.async_wait(asio::use_awaitable);
}

TEST_CASE("cancel: after any step of https through a tunnel, of a wait for a busy server, and of one for a full pool")
{
    const tunnelled there;
    const std::size_t sockets = test::open_sockets();
    int steps = 0;
    for (bool ended = false; !ended; ++steps) {
        REQUIRE(steps < 2000);
        {
            origin server(there.server("0")), proxy(there.proxy());
            web web(there.options(proxy));
            detail::async_event let_go;
            test::task<void> holder(web.context.get_executor(), hold_connection(web, server.url("/held"), let_go));
            while (web.client.statistics().borrowed == 0)
                web.context.run_one();
            auto running = web.begin(server.url("/big"), {});
            constexpr int waits = 5; // for the pool, as long as there is a step to take
            for (int i = 0; i != steps && !running.done(); ++i) {
                if (i == waits)
                    let_go.set();
                (void)(i < waits ? web.context.poll_one() : web.context.run_one());
            }
            ended = running.done();
            running.cancel();
            let_go.set();
            while (!running.done() || !holder.done())
                web.context.run_one();
            if (ended)
                CHECK(running.outcome().value().body.size() == size);
            else if (!running.outcome())
                CHECK(running.outcome().code() == weir::condition::cancelled);
            test::run_ready(web.context);
            CHECK(web.blocks_in_use() == 0);
            CHECK(web.client.statistics().borrowed == 0);
            CHECK(web.client.statistics().waiting == 0);
        }
        CHECK(test::open_sockets() == sockets);
    }
    CHECK(steps > 20);
}

TEST_CASE("cancel: a wait for as long as the server asked ends at once")
{
    const tunnelled there;
    origin server(there.server("60")), proxy(there.proxy());
    web web(there.options(proxy));
    auto running = web.begin(server.url("/big"), {});
    while (server.requests().empty() || web.client.statistics().borrowed != 0)
        web.context.run_one();
    const auto start = std::chrono::steady_clock::now();
    running.cancel();
    while (!running.done())
        web.context.run_one();
    CHECK(running.outcome().code() == weir::condition::cancelled);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
    test::run_ready(web.context);
}

TEST_CASE("cancel: a source that is dropped in the middle gives its connection and blocks back")
{
    for (const std::size_t parallel : {1ul, 3ul}) {
        origin server(eventful());
        web web;
        weir::http::source_options options;
        options.parallel = parallel;
        web.read_once_and_drop(server.url("/"), options);
        while (web.client.statistics().borrowed != 0 || web.blocks_in_use() != 0)
            web.context.run_one();
    }
}

} // namespace
