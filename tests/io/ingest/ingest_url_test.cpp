#include "ingesting.hpp"

#include "support/seed.hpp"

#include <weir/cancel.hpp>
#include <weir/memory_source.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>

namespace {

namespace asio = boost::asio;
using namespace test;

asio::awaitable<std::vector<weir::url_request>> open_in_memory(std::vector<weir::url_request> requests)
{
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    for (weir::url_request& each : requests) {
        if (each.url.starts_with("mem://"))
            each.input = std::make_unique<weir::memory_source>(std::string(300'000, each.url.back()), each.url);
        else
            each.failure = std::make_exception_ptr(weir::error(weir::errc::resolve_failed, "resolve", "nowhere"));
    }
    co_return requests;
}

TEST_CASE("ingest: URLs are read by who was told to open them, and named without their secrets")
{
    weir::ingest_options options;
    options.open_urls = open_in_memory;
    collecting_sink sink;
    bench b;
    const auto summary = b.run({"mem://u:hunter2@a/b", "http://h/?id=1&token=hunter2", "http://h/?id=2", "no/url://"},
                               sink, options);
    CHECK(summary.files == 1);
    CHECK(summary.errors == 3);
    const std::string content(300'000, 'b');
    check_file(sink.files["***@a/b"], std::as_bytes(std::span(content)), options);
    CHECK(sink.files["http://h/?id=1&token=***"].error == weir::errc::resolve_failed);
    CHECK(sink.files["http://h/?id=2"].text == "resolve nowhere: the host name cannot be resolved");
    CHECK(sink.files["no/url://"].error == std::errc::no_such_file_or_directory);
}

/// Gives each URL as many bytes as its last digits say: in the room that there is, or else as a source. No more than
/// two sources, and nothing behind them.
asio::awaitable<std::vector<weir::url_request>> open_numbers(std::vector<weir::url_request> requests)
{
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    std::size_t sources = 0;
    for (weir::url_request& each : requests) {
        const std::string content(std::stoul(each.url.substr(each.url.rfind('/') + 1)), 'x');
        const std::span<std::byte> room = each.room.spare();
        if (content.size() <= room.size()) {
            std::ranges::copy(std::as_bytes(std::span(content)), room.begin());
            each.room.commit(content.size());
            each.is_whole = true;
        }
        else if (sources++ < 2) {
            each.input = std::make_unique<weir::memory_source>(content, each.url);
        }
        else {
            break;
        }
    }
    std::ranges::reverse(requests);
    co_return requests;
}

TEST_CASE("ingest: URLs of all sizes, many at a time, in any order, and some asked again")
{
    auto random = test::generator(5);
    std::vector<std::string> urls;
    for (std::size_t i = 0; i != 500; ++i)
        urls.push_back("mem://h/" + std::to_string(i) + "/" + std::to_string(random() % (random() % 9 == 0 ? 200'000 : 20'000)));
    weir::ingest_options options;
    options.open_urls = open_numbers;
    for (const std::size_t memory : {32 * mib, 2 * mib}) {
        CAPTURE(memory);
        if (memory < 4 * mib)
            options.chunker = weir::weir1(64 * kib);
        options.sizes = std::nullopt;
        collecting_sink sink;
        bench b(memory);
        const auto summary = b.run(urls, sink, options);
        CHECK(summary.files == urls.size());
        CHECK(summary.errors == 0);
        for (const std::string& url : urls) {
            const std::string content(std::stoul(url.substr(url.rfind('/') + 1)), 'x');
            check_file(sink.files[url], std::as_bytes(std::span(content)), options);
        }
    }
}

TEST_CASE("ingest: URLs that nobody answers for fail")
{
    weir::ingest_options options;
    options.open_urls = [](std::vector<weir::url_request> requests) -> asio::awaitable<std::vector<weir::url_request>> {
        co_return requests;
    };
    collecting_sink sink;
    bench b;
    CHECK(b.run({"mem://a", "mem://b", "mem://c"}, sink, options).errors == 3);
    CHECK(sink.files["mem://c"].error == weir::errc::closed);
    options.open_urls = [](std::vector<weir::url_request>) -> asio::awaitable<std::vector<weir::url_request>> {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        throw weir::error(weir::errc::resolve_failed, "resolve", "nowhere");
    };
    CHECK(b.run({"mem://a", "mem://b", "mem://c"}, sink, options).errors == 3);
    CHECK(sink.files["mem://c"].error == weir::errc::resolve_failed);
}

TEST_CASE("ingest: a cancelled job does not wait for a URL to be opened")
{
    weir::ingest_options options;
    options.open_urls = [](std::vector<weir::url_request> requests) -> asio::awaitable<std::vector<weir::url_request>> {
        asio::steady_timer never(co_await asio::this_coro::executor, std::chrono::steady_clock::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
        co_return requests;
    };
    collecting_sink sink;
    bench b;
    weir::ingest_job job(b.engine, options, sink);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
    CHECK_THROWS_AS(test::run(b.context, weir::with_deadline(job.run(supply({"mem://a"})), deadline)), weir::error);
    CHECK(sink.files.empty());
}

} // namespace
