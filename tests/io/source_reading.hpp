#pragma once
// Files, pipes and maps as sources, read by a coroutine on a worker as a flow reads them.

#include "file_fixtures.hpp"
#include "machine.hpp"

#include "files/fault_injection.hpp"

#include <weir/error.hpp>
#include <weir/file_source.hpp>
#include <weir/mapped_file.hpp>
#include <weir/reading.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace test {

namespace asio = boost::asio;

/// To the end, which stays the end; then closes it, twice.
inline asio::awaitable<std::string> read_all(weir::source& from, weir::reservation& memory, std::size_t max_bytes)
{
    std::string all;
    while (true) {
        const weir::bytes got = co_await from.read(memory, max_bytes);
        if (got.size() > max_bytes)
            throw std::logic_error("more than was asked for");
        if (got.empty())
            break;
        for (const weir::slice& part : got)
            all.append(reinterpret_cast<const char*>(part.data()), part.size());
    }
    const weir::bytes after = co_await from.read(memory, max_bytes);
    if (!after.empty())
        throw std::logic_error("something behind the end");
    co_await from.close();
    co_await from.close();
    co_return all;
}

inline std::string content(machine& on, std::unique_ptr<weir::source> from, std::size_t max_bytes = 1 << 20,
                           std::size_t blocks = 4)
{
    weir::reservation memory = on.reserve(blocks);
    return asio::co_spawn(on.strand(), read_all(*from, memory, max_bytes), asio::use_future).get();
}

/// Every way to read a file that this system has.
inline std::vector<weir::file_source_options> ways(machine& on)
{
    weir::install_mapping_guard();
    std::vector<weir::file_source_options> all(1);
    for (const weir::backend backend : {weir::backend::threads, weir::backend::uring, weir::backend::mmap}) {
        for (const bool direct : {false, true}) {
            weir::file_source_options options;
            options.backend = backend;
            options.direct = direct;
            if (backend == weir::backend::mmap && direct)
                continue;
            if (!failure_of([&] { weir::resolve_backend(on.context.get_executor(), backend); }))
                all.push_back(options);
        }
    }
    return all;
}

#define CAPTURE_WAY(way) \
    CAPTURE(to_string((way).backend)); \
    CAPTURE((way).direct)

/// What reads give instead of what they would.
class faults final : public weir::detail::fault_injector {
public:
    explicit faults(std::function<std::optional<long>(std::uint64_t, std::size_t)> answer) : answer_(std::move(answer)) {}
    std::optional<long> on_read(int, std::uint64_t offset, std::size_t size) override
    {
        std::lock_guard lock(mutex_);
        return answer_(offset, size);
    }

private:
    std::mutex mutex_;
    std::function<std::optional<long>(std::uint64_t, std::size_t)> answer_;
};

/// How a read ends whose caller was cancelled before it began.

inline asio::awaitable<std::error_code> read_when_cancelled(weir::source& from, weir::reservation& memory)
{
    const auto strand = co_await asio::this_coro::executor;
    co_await asio::this_coro::throw_if_cancelled(false);
    for (;;) {
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            break;
        co_await asio::post(strand, asio::use_awaitable);
    }
    co_await asio::this_coro::throw_if_cancelled(true);
    std::error_code outcome;
    try {
        const weir::bytes got = co_await from.read(memory, 100);
    }
    catch (...) {
        outcome = weir::code_of(std::current_exception());
    }
    co_await asio::this_coro::throw_if_cancelled(false); // else co_spawn's own last step throws
    co_return outcome;
}

inline std::error_code cancelled_before_its_start(machine& on, weir::source& from, weir::reservation& memory)
{
    asio::cancellation_signal signal;
    std::promise<std::error_code> ended;
    auto strand = on.strand();
    asio::co_spawn(strand, read_when_cancelled(from, memory),
                   asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr, std::error_code outcome) {
                       ended.set_value(outcome);
                   }));
    asio::post(strand, [&] { signal.emit(asio::cancellation_type::terminal); });
    return ended.get_future().get();
}

} // namespace test
