#pragma once
// What ingest_proxy says: a line for each stream, and for each request that comes to none.

#include <weir/as_result.hpp>
#include <weir/http/server_options.hpp>
#include <weir/http/url.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

/// Whom the proxy waits for, and whose fault it is if that fails.
enum class party { client, upstream };

/// What is known of one stream.
struct stream_report {
    std::string subject; ///< client, method and target, without secrets
    unsigned status = 0; ///< of the upstream's answer
    std::uint64_t bytes = 0;
    std::uint64_t chunks = 0;
    std::uint64_t new_chunks = 0; ///< that no stream had before
    bool is_provable = true; ///< that all has come: the end of the connection alone says nothing
    party waiting_for = party::upstream;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();

    void print(const weir::result<void>& ended) const
    {
        const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
        std::string end = is_provable ? "whole" : "ended with its connection";
        if (!ended)
            end = fmt::format("{} failed: {}", waiting_for == party::client ? "client" : "upstream", ended.message());
        fmt::print("{}: {}, {} bytes, {} chunks, {} new, {:.3f} s, {}\n", subject, status, bytes, chunks, new_chunks,
                   time.count(), end);
    }
};

/// The lines of requests that the server answers itself, and of what is no request.
class refusals final : public weir::http::server_observer {
public:
    void exchange_ended(const weir::http::exchange_report& report) noexcept override
    {
        if (report.refused)
            say(fmt::format("{} {} {}: {}, refused\n", report.peer, report.method, weir::http::redacted(report.target),
                            report.status));
    }
    void connection_failed(const weir::http::connection_report& report) noexcept override
    {
        const std::string what = report.status == 0 ? "no request" : fmt::format("{}, refused", report.status);
        say(fmt::format("{}: {}: {}\n", report.peer, what, report.description));
    }

private:
    static void say(const std::string& line) noexcept { std::fputs(line.c_str(), stdout); }
};
