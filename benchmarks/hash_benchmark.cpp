// SHA-256 of many messages: multi_hasher beside OpenSSL with its algorithm fetched once and its context reused.
//
// One thread. Every candidate digests the same 16 MiB, cut into messages of one length; "x N" is how many messages are
// in flight.

#include "measure.hpp"
#include "report.hpp"

#include <weir/multi_hasher.hpp>

#include <fmt/core.h>
#include <openssl/evp.h>

#include <random>
#include <stdexcept>
#include <string>

namespace {

constexpr std::size_t total = 16 << 20;
constexpr std::size_t rounds = 11;
constexpr std::size_t portion = 4 << 20; // about the 2 ms that a task may hold its thread

constexpr std::size_t in_flight[] = {1, 2, 4, 16, 64};

using digests = std::vector<weir::digest>;

void with_openssl(std::span<const std::byte> data, std::size_t size, digests& out)
{
    static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
    static EVP_MD_CTX* const context = EVP_MD_CTX_new();
    unsigned char bytes[EVP_MAX_MD_SIZE];
    for (std::size_t i = 0; i < out.size(); ++i) {
        unsigned length = 0;
        EVP_DigestInit_ex2(context, algorithm, nullptr);
        EVP_DigestUpdate(context, data.data() + i * size, size);
        EVP_DigestFinal_ex(context, bytes, &length);
        out[i] = weir::digest(std::as_bytes(std::span(bytes, length)));
    }
}

void with_weir(weir::multi_hasher& hasher, std::span<const weir::multi_hasher::message> messages, std::size_t number)
{
    for (; !messages.empty(); messages = messages.subspan(std::min(number, messages.size()))) {
        hasher.start(messages.first(std::min(number, messages.size())));
        while (!hasher.run(portion))
            ;
    }
}

/// What the project asks of `in_flight` messages of `size` bytes.
void hold_against_gates(bench::figure& figure, std::size_t size, std::size_t in_flight)
{
    if (size != 64 << 10)
        return;
    if (in_flight == 1)
        figure.gate = 0.98, figure.target = 1;
    if (in_flight >= 16)
        figure.gate = 2, figure.target = 2.6;
}

void compare(std::span<const std::byte> data, std::size_t size)
{
    const std::size_t count = total / size;
    digests expected(count), got(count);
    std::vector<weir::slice> slices;
    std::vector<weir::multi_hasher::message> messages;
    for (std::size_t i = 0; i < count; ++i)
        slices.push_back(weir::slice::adopt(data.subspan(i * size, size), nullptr));
    for (std::size_t i = 0; i < count; ++i)
        messages.push_back({{&slices[i], 1}, size, &got[i]});

    weir::multi_hasher hasher(weir::hash_algorithm::sha256);
    std::vector<bench::candidate> candidates;
    candidates.push_back({"OpenSSL", [&] { with_openssl(data, size, expected); }});
    for (std::size_t number : in_flight)
        candidates.push_back({fmt::format("x {}", number), [&, number] { with_weir(hasher, messages, number); }});
    bench::interleave(candidates, rounds);
    if (got != expected)
        throw std::runtime_error("the digests differ from OpenSSL's");

    const double theirs = total / candidates[0].median_seconds() * 1e-9;
    fmt::print("{:>5} KiB  {:>7.2f}", size >> 10, theirs);
    for (std::size_t i = 0; i < std::size(in_flight); ++i) {
        const bench::candidate& candidate = candidates[i + 1];
        const double ours = total / candidate.median_seconds() * 1e-9;
        fmt::print("  {:>6.2f}", ours / theirs);
        bench::figure figure{fmt::format("sha256 {} KiB {}", size >> 10, candidate.name), ours, "openssl", theirs,
                             "GB/s"};
        hold_against_gates(figure, size, in_flight[i]);
        bench::publish(figure);
    }
    fmt::print("\n");
}

} // namespace

int main()
{
    std::vector<std::byte> data(total);
    std::mt19937_64 random(1);
    for (std::byte& value : data)
        value = static_cast<std::byte>(random());

    fmt::print("{}, kernel {}\n", bench::cpu_name(), weir::multi_hasher(weir::hash_algorithm::sha256).kernel());
    fmt::print("             GB/s  times OpenSSL, by messages in flight\n   length  OpenSSL");
    for (std::size_t number : in_flight)
        fmt::print("  {:>6}", fmt::format("x {}", number));
    fmt::print("\n");
    for (std::size_t size : {1 << 10, 8 << 10, 64 << 10, 1 << 20})
        compare(data, size);
}
