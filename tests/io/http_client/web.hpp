#pragma once
// A client with an engine, and all of what a URL gives as text.

#include "support/coroutine.hpp"

#include <weir/engine.hpp>
#include <weir/error.hpp>
#include <weir/flow.hpp>
#include <weir/http/sink.hpp>
#include <weir/http/source.hpp>
#include <weir/memory_source.hpp>
#include <weir/testing/origin.hpp>

#include <boost/asio/io_context.hpp>

#include <string>
#include <utility>

namespace test {

/// What came of one fetch.
struct fetched {
    std::string body;
    weir::http::source_report report;
};

/// Reads a source to its end and closes it, whatever happens.
inline boost::asio::awaitable<std::string> read_whole(weir::source& from, weir::reservation& memory,
                                                      std::size_t max_bytes)
{
    std::string all;
    for (;;) {
        const weir::bytes got = co_await from.read(memory, max_bytes);
        if (got.empty())
            break;
        for (const weir::slice& part : got)
            all.append(reinterpret_cast<const char*>(part.data()), part.size());
    }
    co_return all;
}

class web {
public:
    explicit web(weir::http::client_options options = quick())
        : engine_(context.get_executor(), engine_options()), client(context.get_executor(), std::move(options))
    {
    }

    /// Waits of milliseconds between attempts.
    static weir::http::client_options quick()
    {
        weir::http::client_options options;
        options.proxy.proxy = ""; // whatever the environment says
        options.retry.base = std::chrono::milliseconds(1);
        return options;
    }

    fetched fetch(const std::string& url, weir::http::source_options options = {}, std::size_t blocks = 8)
    {
        return await(context, fetch_all(weir::http::url::parse(url), std::move(options), blocks));
    }

    weir::result<fetched> try_fetch(const std::string& url)
    {
        return await(context, weir::as_result(fetch_all(weir::http::url::parse(url), {}, 8)));
    }

    task<fetched> begin(const std::string& url, weir::http::source_options options)
    {
        return {context.get_executor(), fetch_all(weir::http::url::parse(url), std::move(options), 8)};
    }

    void read_once_and_drop(const std::string& url, weir::http::source_options options)
    {
        (void)await(context, read_once(weir::http::url::parse(url), std::move(options)));
    }

    /// \returns  the status of the answer
    unsigned upload(const std::string& url, const std::string& content, weir::http::sink_options options)
    {
        return await(context, upload_all(weir::http::url::parse(url), content, std::move(options)));
    }

    [[nodiscard]] weir::engine& engine() noexcept { return engine_; }
    [[nodiscard]] std::uint64_t blocks_in_use() const { return engine_.pool().statistics().in_use_bytes; }

    boost::asio::io_context context;

private:
    static weir::engine_options engine_options()
    {
        weir::engine_options options;
        options.memory_bytes = std::size_t{8} << 20;
        options.block_bytes = std::size_t{64} << 10;
        options.workers.threads = 1;
        return options;
    }

    boost::asio::awaitable<fetched> fetch_all(weir::http::url target, weir::http::source_options options,
                                              std::size_t blocks)
    {
        auto source = co_await weir::http::open(client, std::move(target), std::move(options));
        weir::reservation memory = engine_.pool().try_reserve(blocks, engine_.block_bytes()).value();
        weir::result<std::string> body = co_await weir::as_result(read_whole(*source, memory, std::size_t{1} << 20));
        co_await source->close();
        weir::http::source_report report = source->report();
        co_return fetched{std::move(body).value(), std::move(report)};
    }

    boost::asio::awaitable<unsigned> upload_all(weir::http::url target, const std::string& content,
                                                weir::http::sink_options options)
    {
        weir::http::http_sink out(client, std::move(target), std::move(options));
        const auto all = std::as_bytes(std::span(content));
        weir::stream_options cut;
        cut.chunker = weir::fixed(std::size_t{128} << 10);
        co_await weir::run_flow(engine_, std::make_unique<weir::memory_source>(all), out, cut);
        co_return out.answer().status;
    }

    boost::asio::awaitable<bool> read_once(weir::http::url target, weir::http::source_options options)
    {
        auto source = co_await weir::http::open(client, std::move(target), std::move(options));
        weir::reservation memory = engine_.pool().try_reserve(8, engine_.block_bytes()).value();
        const weir::bytes got = co_await source->read(memory, 1000);
        co_return !got.empty();
    }

    weir::engine engine_;

public:
    weir::http::client client;
};

/// Cancels `running` after so many steps, and sees that its connections are back.
/// \returns  whether it came to its end before that
template <class T> bool cancel_after(int steps, web& where, task<T>& running)
{
    for (int i = 0; i != steps && !running.done(); ++i)
        where.context.run_one();
    if (running.done()) {
        REQUIRE(running.outcome().has_value());
        return true;
    }
    running.cancel();
    while (!running.done())
        where.context.run_one();
    if (!running.outcome())
        CHECK(running.outcome().code() == weir::condition::cancelled);
    run_ready(where.context); // the cancellation is posted: the task must be there still
    const weir::connection_pool_statistics connections = where.client.statistics();
    CHECK(connections.borrowed == 0);
    CHECK(connections.waiting == 0);
    return false;
}

/// The code that `call` fails with; none if it does not.
template <class Call> weir::failure failure_of(Call call)
{
    try {
        call();
    }
    catch (...) {
        return weir::failure(std::current_exception());
    }
    FAIL("it did not fail");
    return weir::failure(std::make_exception_ptr(0));
}

} // namespace test
