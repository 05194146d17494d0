#pragma once
// Cancels an operation after its first step, its second, and so on: whenever that is, no socket may stay open.

#include "descriptors.hpp"
#include "support/coroutine.hpp"

#include <weir/error.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <chrono>

namespace test {

/// \param prepare  gives, for a context, a function that gives the operation
template <class Prepare> void await_all_steps(Prepare prepare)
{
    const std::size_t before = open_sockets();
    bool finished = false;
    int steps = 0;
    for (; !finished; ++steps) {
        CAPTURE(steps);
        REQUIRE(steps < 1000);
        boost::asio::io_context context;
        const auto start = prepare(context);
        const std::size_t prepared = open_sockets();
        task running(context.get_executor(), start());
        for (int i = 0; i < steps && !running.done(); ++i)
            context.run_one();
        finished = running.done();
        running.cancel();
        context.restart();
        while (!running.done() && context.run_one() != 0) {
        }
        REQUIRE(running.done());
        if (finished)
            CHECK(running.outcome().has_value());
        else if (!running.outcome().has_value()) {
            CHECK(running.outcome().code() == weir::condition::cancelled);
            while (open_sockets() != prepared && context.run_one_for(std::chrono::seconds(5)) != 0) {
            } // a peer of the test's sees the end, and ends too
            CHECK(open_sockets() == prepared);
        }
    }
    CHECK(steps > 2);
    CHECK(open_sockets() == before);
}

} // namespace test
