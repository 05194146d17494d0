#include "report.hpp"

#include "json.hpp"

#include <weir/error.hpp>
#include <weir/size.hpp>

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <string>
#include <sys/resource.h>

namespace tool {
namespace {

/// 1234567 as 1,234,567.
std::string grouped(std::uint64_t value)
{
    std::string digits = fmt::format("{}", value);
    for (std::size_t at = digits.size(); at > 3; at -= 3)
        digits.insert(at - 3, 1, ',');
    return digits;
}

std::string dedup_ratio(const weir::ingest_summary& summary)
{
    if (summary.unique_bytes == 0)
        return "1.00";
    return fmt::format("{:.2f}", static_cast<double>(summary.bytes) / static_cast<double>(summary.unique_bytes));
}

/// What `weir check` needs to find the content again.
void add_origin(json_line& line, const weir::file_origin& of)
{
    line.path("path", of.path);
    if (!of.archive.empty())
        line.path("archive", of.archive);
    if (of.codec)
        line.text("codec", weir::to_string(*of.codec));
}

std::string throughput(const closing& end)
{
    if (end.seconds <= 0)
        return "-";
    const auto rate = static_cast<double>(end.summary.bytes) / end.seconds;
    return fmt::format("{}/s ({:.2f} s)", weir::format_size(static_cast<std::uint64_t>(rate)), end.seconds);
}

} // namespace

std::uint64_t peak_memory()
{
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:"))
            return std::stoull(line.substr(6)) * 1024;
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::string_view digest_key(weir::hash_algorithm hash) noexcept { return weir::to_string(hash); }

void reporter::close(closing end)
{
    end.summary.files = files_;
    end.summary.errors = errors_;
    end.summary.chunks = chunks_;
    end.summary.bytes = bytes_;
    print(end);
}

json_reporter::json_reporter(output& out, const weir::ingest_options& options)
    : out_(out),
      chunk_key_(digest_key(options.hash)),
      whole_key_(options.file_digest ? digest_key(*options.file_digest) : std::string_view())
{}

asio::awaitable<void> json_reporter::chunks(const weir::file_origin& of, std::span<const weir::chunk_record> records)
{
    prefix_.clear();
    json_line start(prefix_, "chunk");
    add_origin(start, of);
    for (const weir::chunk_record& record : records) {
        out_.lines() += prefix_;
        json_line::resume(out_.lines())
            .number("offset", record.offset)
            .number("length", record.length)
            .digest(chunk_key_, record.digest)
            .end();
        bytes_ += record.length;
    }
    chunks_ += records.size();
    out_.appended();
    co_await out_.room();
}

asio::awaitable<void> json_reporter::file(const weir::file_record& record)
{
    json_line line(out_.lines(), "file");
    add_origin(line, record);
    line.number("size", record.size).number("chunks", record.chunks);
    line.digest("root", record.root);
    if (record.whole)
        line.digest(whole_key_, *record.whole);
    line.end();
    ++files_;
    out_.appended();
    co_await out_.room();
}

asio::awaitable<void> json_reporter::failed(std::string_view path, std::error_code code, std::string_view text)
{
    refuse(path, code, text);
    co_await out_.room();
}

void json_reporter::refuse(std::string_view path, std::error_code code, std::string_view text)
{
    append_error_line(out_.lines(), path, code, text);
    ++errors_;
    out_.appended();
}

void json_reporter::print(const closing& end)
{
    const weir::ingest_summary& sums = end.summary;
    json_line(out_.lines(), "summary")
        .number("files", sums.files)
        .number("errors", sums.errors)
        .number("skipped", sums.skipped)
        .number("bytes", sums.bytes)
        .number("chunks", sums.chunks)
        .number("unique_chunks", sums.unique_chunks)
        .number("unique_bytes", sums.unique_bytes)
        .boolean("unique_exact", sums.unique_exact)
        .boolean("interrupted", end.interrupted)
        .fraction("seconds", end.seconds)
        .number("peak_memory", peak_memory())
        .text("backend", sums.backend)
        .text("kernels", sums.kernels)
        .end();
    out_.appended();
}

std::string line_of_failure(std::string_view path, std::string_view text)
{
    return text.find(path) != text.npos ? std::string(text) : fmt::format("{}: {}", path, text);
}

text_reporter::text_reporter(output& out, progress_display& messages, bool quiet)
    : out_(out), messages_(messages), quiet_(quiet)
{}

asio::awaitable<void> text_reporter::chunks(const weir::file_origin&, std::span<const weir::chunk_record> records)
{
    for (const weir::chunk_record& record : records)
        bytes_ += record.length;
    chunks_ += records.size();
    co_return;
}

asio::awaitable<void> text_reporter::file(const weir::file_record&)
{
    ++files_;
    co_return;
}

asio::awaitable<void> text_reporter::failed(std::string_view path, std::error_code code, std::string_view text)
{
    refuse(path, code, text);
    co_await messages_.room();
}

void text_reporter::refuse(std::string_view path, std::error_code, std::string_view text)
{
    ++errors_;
    messages_.say(line_of_failure(path, text));
}

void text_reporter::print(const closing& end)
{
    if (quiet_)
        return;
    const weir::ingest_summary& sums = end.summary;
    const std::string_view about = sums.unique_exact ? "" : "about ";
    std::string& text = out_.lines();
    const auto row = [&](std::string_view name, std::string_view value) {
        fmt::format_to(std::back_inserter(text), "{:<15} {}\n", name, value);
    };
    if (end.interrupted)
        row("interrupted", "what follows is what was done until then");
    row("files", grouped(sums.files));
    if (sums.errors != 0)
        row("failed", grouped(sums.errors));
    if (sums.skipped != 0)
        row("skipped", grouped(sums.skipped));
    row("bytes", fmt::format("{} ({})", weir::format_size(sums.bytes), grouped(sums.bytes)));
    row("chunks", grouped(sums.chunks));
    row("unique chunks",
        fmt::format("{}{} ({})", about, grouped(sums.unique_chunks), weir::format_size(sums.unique_bytes)));
    row("dedup ratio", fmt::format("{}{}", about, dedup_ratio(sums)));
    row("throughput", throughput(end));
    row("peak memory", weir::format_size(peak_memory()));
    row("back end", sums.fallback.empty() ? sums.backend : fmt::format("{} ({})", sums.backend, sums.fallback));
    row("kernels", sums.kernels);
    out_.appended();
}

} // namespace tool
