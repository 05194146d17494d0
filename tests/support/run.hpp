#pragma once
// Runs an awaitable to its end on an io_context of the test's own.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace test {

/// Spawns `work` on `context`, runs the context until it has nothing to do, and gives the result or throws.
template <class T>
T run(boost::asio::io_context& context, boost::asio::awaitable<T> work)
{
    std::optional<T> result;
    std::exception_ptr failure;
    boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr thrown, T value) {
        failure = std::move(thrown);
        if (!failure)
            result.emplace(std::move(value));
    });
    context.restart();
    context.run();
    if (failure)
        std::rethrow_exception(failure);
    return std::move(result).value(); // throws if the coroutine never ended
}

inline void run(boost::asio::io_context& context, boost::asio::awaitable<void> work)
{
    bool ended = false;
    std::exception_ptr failure;
    boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr thrown) {
        failure = std::move(thrown);
        ended = true;
    });
    context.restart();
    context.run();
    if (failure)
        std::rethrow_exception(failure);
    if (!ended)
        throw std::logic_error("the coroutine is suspended for ever");
}

} // namespace test
