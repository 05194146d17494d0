// A reverse proxy that knows what passes through it: the answers of one upstream go to clients out of the blocks that they
// were read into, while the same blocks are cut into chunks and digested. Each stream is a line of report:
//
//   ingest_proxy --upstream https://mirror.example
//   listening on 127.0.0.1:8080
//   127.0.0.1:40312 GET /big.iso: 200, 734003200 bytes, 10734 chunks, 10698 new, 1.302 s, whole
//
// SIGTERM and SIGINT let streams that have begun come to their end.
#include "command_line.hpp"
#include "report.hpp"

#include <weir/as_result.hpp>
#include <weir/flow.hpp>
#include <weir/http/client.hpp>
#include <weir/http/framing.hpp>
#include <weir/http/redirect.hpp>
#include <weir/http/response_source.hpp>
#include <weir/http/server.hpp>
#include <weir/sinks.hpp>
#include <weir/tap.hpp>
#include <weir/unique_counter.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using namespace weir::literals;

http::client_options client_options_of(const settings& given)
{
    http::client_options out;
    out.tls.ca_file = given.ca_file;
    out.proxy.proxy = ""; // the upstream is reached straight
    out.header = {};      // clients say for themselves who they are
    out.redirects.follow = false;
    out.limits.idle = out.limits.first_byte = out.limits.pool = given.patience;
    out.connections.max_total = out.connections.max_per_key = out.connections.max_idle = 256;
    return out;
}

weir::engine_options engine_options_of(const settings& given)
{
    weir::engine_options out;
    out.memory_bytes = given.memory_bytes;
    out.block_bytes = 64_KiB; // a stream is promised some: with small ones there is room for many streams
    return out;
}

http::server_options server_options_of(const settings& given, http::server_observer& observer)
{
    http::server_options out;
    out.observer = &observer;
    out.read_time = out.write_time = given.patience;
    if (!given.certificate_file.empty())
        out.tls.emplace(weir::net::tls_server_options{given.certificate_file, given.key_file, {}, {}});
    return out;
}

/// The answer to a client, written as it comes.
class client_answer {
public:
    client_answer(http::server_exchange& to, http::response_head head, stream_report& report)
        : to_(to), head_(std::move(head)), length_(http::content_length(head_.header)), report_(report)
    {}

    /// Sends the head ahead where the first bytes may be long in coming.
    asio::awaitable<void> start()
    {
        if (length_ && *length_ <= 64_KiB)
            co_return; // one write for all of it
        begin();
        co_await to_.flush();
    }

    asio::awaitable<void> write(const weir::bytes& piece)
    {
        begin();
        report_.waiting_for = party::client;
        co_await to_.write(piece);
        report_.waiting_for = party::upstream;
        report_.bytes += piece.size();
    }

    asio::awaitable<void> finish(const http::fields& trailer)
    {
        begin();
        report_.waiting_for = party::client;
        co_await to_.finish(trailer);
    }

private:
    void begin()
    {
        if (!to_.begun())
            to_.begin(head_, length_);
    }

    http::server_exchange& to_;
    const http::response_head head_;
    const std::optional<std::uint64_t> length_;
    stream_report& report_;
};

/// What a client is told where the upstream has told nothing.
unsigned status_for(std::error_code failed)
{
    if (failed == weir::errc::bad_format)
        return 400; // no target to ask for
    const bool late = failed == weir::errc::deadline_exceeded || failed == weir::errc::connect_timeout
        || failed == weir::errc::pool_timeout;
    return late ? 504 : 502;
}

/// Answers requests as the upstream does. One thread uses it.
class proxy {
public:
    proxy(const asio::any_io_executor& executor, const settings& given)
        : upstream_(given.upstream), engine_(executor, engine_options_of(given)), web_(executor, client_options_of(given))
    {}

    asio::awaitable<void> answer(http::server_exchange& exchange)
    {
        const http::received_request& asked = exchange.request();
        stream_report report;
        report.subject = exchange.peer() + ' ' + asked.method + ' ' + http::redacted(asked.target);
        const weir::result<void> ended = co_await weir::as_result(relay(exchange, report));
        report.print(ended);
        const bool may_tell = !exchange.begun() && ended.code() != weir::condition::cancelled;
        if (!ended && may_tell && report.waiting_for == party::upstream)
            co_return co_await exchange.reply(status_for(ended.code()), "the upstream does not answer\n");
        ended.value(); // of a stream that failed the server closes the connection, so that the client sees it
    }

    void close() noexcept { web_.close(); }

private:
    asio::awaitable<void> relay(http::server_exchange& exchange, stream_report& report)
    {
        http::request_head request = request_for(exchange);
        if (!http::count_forwarding(request.method, request.header))
            co_return co_await answer_in_place(exchange, report);
        http::response answer = co_await ask(exchange, std::move(request), report);
        http::response_head head = answer.head();
        http::erase_connection_fields(head.header);
        head.header.add("Via", "1.1 weir");
        report.status = head.status;
        report.is_provable = answer.how().is_verifiable();
        client_answer client(exchange, std::move(head), report);
        co_await client.start();
        if (answer.done())
            co_return co_await client.finish(answer.trailer());
        auto body = std::make_unique<http::response_source>(std::move(answer));
        const std::shared_ptr<const http::fields> trailer = body->trailer();
        const asio::any_io_executor here = co_await asio::this_coro::executor;
        auto passed_on = std::make_unique<weir::tap>(std::move(body), here,
                                                     [&](const weir::bytes& piece) { return client.write(piece); });
        weir::callback_sink counting([&](const weir::chunk& each) { count(each, report); });
        weir::stream_options cut;
        cut.chunker = weir::weir1(64_KiB);
        co_await weir::run_flow(engine_, std::move(passed_on), counting, cut);
        co_await client.finish(*trailer);
    }

    void count(const weir::chunk& each, stream_report& report)
    {
        const std::uint64_t known = seen_.unique_chunks();
        seen_.add(each.digest, each.size());
        report.new_chunks += seen_.unique_chunks() - known;
        ++report.chunks;
    }

    /// Sends a request on, with its body if it has one and the upstream wants it.
    asio::awaitable<http::response> ask(http::server_exchange& exchange, http::request_head request, stream_report& report)
    {
        if (exchange.body_size() == 0)
            co_return co_await web_.send(std::move(request));
        const bool waits = request.header.contains("Expect");
        http::request_stream upload = co_await web_.begin(std::move(request), exchange.body_size());
        bool wanted = true;
        if (waits)
            wanted = co_await upload.await_continue(1s);
        std::vector<std::byte> block(64_KiB);
        while (wanted) {
            report.waiting_for = party::client;
            const std::optional<std::size_t> got = co_await upload.unless_answered(exchange.read_some(block));
            report.waiting_for = party::upstream;
            if (!got || *got == 0)
                break;
            wanted = co_await upload.write(std::span(block).first(*got));
        }
        co_return co_await upload.finish(exchange.trailer());
    }

    /// Of a request that may not go further. \see RFC 9110, sections 9.3.7 and 9.3.8
    asio::awaitable<void> answer_in_place(http::server_exchange& exchange, stream_report& report)
    {
        const http::received_request& asked = exchange.request();
        http::response_head head;
        std::string seen;
        if (asked.method == "TRACE") {
            head.header.add("Content-Type", "message/http");
            seen = asked.method + ' ' + asked.target + " HTTP/1.1\r\n";
            for (const http::field& line : asked.header)
                if (!http::is_sensitive(line.name))
                    seen += line.name + ": " + line.value + "\r\n";
            seen += "\r\n";
        }
        report.status = head.status;
        report.bytes = seen.size();
        report.waiting_for = party::client;
        co_await exchange.reply(head, seen);
    }

    http::request_head request_for(const http::server_exchange& exchange) const
    {
        const http::received_request& asked = exchange.request();
        const bool about_server = asked.method == "OPTIONS" && asked.path() == "*";
        http::request_head out{asked.method, about_server ? upstream_ : upstream_.with_target(asked.path()), asked.header};
        out.about_server = about_server;
        http::erase_connection_fields(out.header);
        out.header.erase("Host");   // the upstream's own is sent
        if (!exchange.expects_continue())
            out.header.erase("Expect"); // of a client that does not wait
        const std::string before = out.header.combined("X-Forwarded-For").value_or("");
        const std::string client = address_of(exchange.peer());
        out.header.set("X-Forwarded-For", before.empty() ? client : before + ", " + client);
        out.header.set("X-Forwarded-Host", asked.authority());
        out.header.set("X-Forwarded-Proto", exchange.secure() ? "https" : "http");
        out.header.add("Via", "1.1 weir");
        return out;
    }

    const http::url upstream_;
    weir::engine engine_;
    http::client web_;
    weir::unique_counter seen_;
};

/// Ends the server in order when a signal comes; another one ends the process.
asio::awaitable<void> stop_on_signal(http::server& server, std::chrono::seconds grace)
{
    const asio::any_io_executor here = co_await asio::this_coro::executor;
    {
        asio::signal_set signals(here, SIGINT, SIGTERM);
        co_await signals.async_wait(asio::use_awaitable);
    }
    co_await server.stop(std::chrono::steady_clock::now() + grace);
}

void serve(const settings& given)
{
    refusals observer;
    asio::io_context context(1);
    proxy relay(context.get_executor(), given);
    http::server server(
        context.get_executor(), [&](http::server_exchange& exchange) { return relay.answer(exchange); },
        server_options_of(given, observer));
    const asio::ip::tcp::endpoint where = server.listen(given.listen);
    fmt::print("listening on {}:{}\n", where.address().to_string(), where.port());
    asio::co_spawn(context, stop_on_signal(server, given.grace), [&](const std::exception_ptr& failed) {
        relay.close();
        if (failed)
            std::rethrow_exception(failed);
    });
    context.run();
}

} // namespace

int main(int argc, char** argv)
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0); // each line when it is there, also into a pipe
    try {
        serve(read_settings(std::span(argv, static_cast<std::size_t>(argc)).subspan(1)));
        return 0;
    }
    catch (const std::invalid_argument& wrong) {
        std::fprintf(stderr, "ingest_proxy: %s\n%s", wrong.what(), std::string(usage).c_str());
        return 2;
    }
    catch (const std::exception& failed) {
        std::fprintf(stderr, "ingest_proxy: %s\n", failed.what());
        return 1;
    }
}
