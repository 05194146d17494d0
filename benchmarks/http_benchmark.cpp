// What reading HTTP/1.1 costs, beside the parser of Boost.Beast: heads of answers, and bodies in chunks. Both give the
// fields as text of their own, and copy the data of chunks to another block; `found` only tells where the data lie, as
// one does who reads them from a socket to where they belong.
//
//   http-benchmark        prints a table; takes some seconds

#include "measure.hpp"
#include "report.hpp"

#include <weir/http/body_reader.hpp>
#include <weir/http/head_reader.hpp>
#include <weir/http/writer.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

constexpr std::size_t rounds = 25;
constexpr std::size_t heads = 20'000;
constexpr std::size_t body_bytes = 256 * 1024; // in the cache, as what was just received is
constexpr std::size_t bodies = 100;

constexpr std::string_view small_head = "HTTP/1.1 200 OK\r\n"
                                        "Server: nginx/1.22.1\r\n"
                                        "Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
                                        "Content-Type: application/octet-stream\r\n"
                                        "Content-Length: 8192\r\n"
                                        "Last-Modified: Sat, 21 Nov 2026 11:00:00 GMT\r\n"
                                        "Connection: keep-alive\r\n"
                                        "ETag: \"6560a1b0-2000\"\r\n"
                                        "Accept-Ranges: bytes\r\n"
                                        "\r\n";
constexpr std::string_view large_head =
    "HTTP/1.1 206 Partial Content\r\n"
    "x-amz-id-2: eftixk72aD6Ap51TnqcoF8eFidJG9Z/2mkiDFu8yU9AS1ed4OpIszj7UDNEHGran3kVeGn8rQIo=\r\n"
    "x-amz-request-id: 318BC8BC148832E5\r\n"
    "Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
    "Last-Modified: Sat, 21 Nov 2026 11:00:00 GMT\r\n"
    "x-amz-server-side-encryption: AES256\r\n"
    "x-amz-version-id: 3/L4kqtJlcpXroDTDmpUMLUo2r1yIpU5aHwhH2BcPDhHVnL6fpmEOrmrQz5LnZ5H\r\n"
    "x-amz-checksum-sha256: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\n"
    "Accept-Ranges: bytes\r\n"
    "Content-Range: bytes 0-8388607/104857600\r\n"
    "Content-Type: application/octet-stream\r\n"
    "ETag: \"9b2cf535f27731c974343645a3985328-13\"\r\n"
    "Cache-Control: private, max-age=0, no-cache\r\n"
    "Vary: Accept-Encoding\r\n"
    "Content-Length: 8388608\r\n"
    "Server: AmazonS3\r\n"
    "\r\n";

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

void require(bool held)
{
    if (!held)
        std::abort();
}

void read_heads(std::string_view text)
{
    weir::http::response_reader reader;
    for (std::size_t i = 0; i < heads; ++i) {
        require(reader.feed(bytes_of(text)) == text.size());
        const weir::http::response_head head = reader.take();
        bench::keep(weir::http::framing_of_response("GET", head.status, head.spoken, head.header).length);
    }
}

void read_heads_by_beast(std::string_view text)
{
    for (std::size_t i = 0; i < heads; ++i) {
        beast::http::response_parser<beast::http::empty_body> parser;
        beast::error_code failure;
        parser.put(asio::buffer(text), failure);
        require(parser.is_header_done());
        bench::keep(parser.content_length());
    }
}

std::string chunked_body(std::size_t chunk_bytes)
{
    std::string out, data(chunk_bytes, 'x');
    for (std::size_t at = 0; at < body_bytes; at += chunk_bytes)
        out.append(weir::http::chunk_start(chunk_bytes).text()).append(data).append(weir::http::chunk_end);
    weir::http::write_last_chunk(out);
    return out;
}

constexpr std::size_t block_bytes = 256 * 1024;

void decode(std::string_view wire, std::vector<std::byte>& block)
{
    weir::http::body_reader body({weir::http::body_end::chunked, 0, true});
    while (!wire.empty()) {
        const std::string_view piece = wire.substr(0, block.size());
        wire.remove_prefix(body.decode(bytes_of(piece), block).consumed);
    }
    require(body.done() && body.total() == body_bytes);
}

void find_data(std::string_view wire)
{
    weir::http::body_reader body({weir::http::body_end::chunked, 0, true});
    std::span<const std::byte> rest = bytes_of(wire);
    while (!body.done()) {
        const std::uint64_t data = body.data();
        if (data > 0)
            body.received(data);
        rest = rest.subspan(data > 0 ? data : body.feed(rest));
    }
    require(body.total() == body_bytes);
}

void decode_by_beast(std::string_view wire, std::vector<std::byte>& block)
{
    constexpr std::string_view head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    beast::http::response_parser<beast::http::buffer_body> parser;
    beast::error_code failure;
    parser.body_limit(boost::none);
    parser.eager(true);
    parser.put(asio::buffer(head), failure);
    std::uint64_t total = 0;
    while (!parser.is_done()) {
        parser.get().body().data = block.data();
        parser.get().body().size = block.size();
        wire.remove_prefix(parser.put(asio::buffer(wire.substr(0, block.size())), failure));
        require(!failure || failure == beast::http::error::need_buffer || failure == beast::http::error::need_more);
        total += block.size() - parser.get().body().size;
    }
    require(total == body_bytes);
}

void show(const std::string& name, std::vector<bench::candidate> candidates, double amount, const char* unit)
{
    bench::interleave(candidates, rounds);
    std::printf("%-28s", name.c_str());
    std::vector<double> rates;
    for (const bench::candidate& each : candidates) {
        rates.push_back(amount / each.best_cpu_seconds());
        std::printf("  %s %.2f %s", each.name.c_str(), rates.back(), unit);
    }
    std::printf("  (%.2f times)\n", rates[0] / rates[1]);
    bench::publish({name, rates[0], "Boost.Beast", rates[1], unit, 0, 0});
}

} // namespace

int main()
{
    std::printf("%s; best of %zu rounds, CPU time\n", bench::cpu_name().c_str(), rounds);
    for (const auto& [name, text] :
         {std::pair("head of 8 fields", small_head), std::pair("head of 15 fields", large_head)})
        show(name,
             {{"weir", [text = text] { read_heads(text); }}, {"beast", [text = text] { read_heads_by_beast(text); }}},
             heads / 1e6, "M/s");
    std::vector<std::byte> block(block_bytes);
    for (const std::size_t chunk_bytes : {std::size_t{512}, std::size_t{8} << 10, std::size_t{64} << 10}) {
        const std::string wire = chunked_body(chunk_bytes);
        const std::string name = "chunks of " + std::to_string(chunk_bytes) + " bytes";
        show(name,
             {{"weir",
               [&] {
                   for (std::size_t i = 0; i < bodies; ++i)
                       decode(wire, block);
               }},
              {"beast",
               [&] {
                   for (std::size_t i = 0; i < bodies; ++i)
                       decode_by_beast(wire, block);
               }},
              {"found",
               [&] {
                   for (std::size_t i = 0; i < bodies; ++i)
                       find_data(wire);
               }}},
             bodies * body_bytes / 1e9, "GB/s");
    }
    return 0;
}
