// A fetch that is cancelled after any of its steps, or whose context ends there, leaves nothing behind.

#include "web.hpp"

#include <weir/error.hpp>
#include <weir/testing/generated.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

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
