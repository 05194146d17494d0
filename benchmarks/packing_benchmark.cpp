// Compression of chunks in the flow: what it costs where it does not pay, what the early decision loses where it would
// have paid, and its pace beside a plain loop over the same codec.
//
// CPU time of all threads, best of interleaved rounds, so that other load on the machine hardly counts.

#include "corpus.hpp"
#include "measure.hpp"
#include "report.hpp"

#include <weir/chunk_compressor.hpp>
#include <weir/compress.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/core.h>
#include <openssl/evp.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;

constexpr std::size_t most_content = std::size_t{24} << 20;
constexpr std::size_t rounds = 7;
constexpr std::size_t usual_chunk = std::size_t{64} << 10;

std::vector<weir::chunk> cut(std::span<const std::byte> content, std::size_t size)
{
    std::vector<weir::chunk> out;
    for (std::size_t at = 0; at < content.size(); at += size) {
        weir::chunk next;
        next.offset = at;
        const std::size_t count = std::min(size, content.size() - at);
        next.content.append(weir::slice::adopt(content.subspan(at, count), nullptr));
        out.push_back(std::move(next));
    }
    return out;
}

std::span<const std::byte> bytes_of(const bench::byte_vector& content) { return std::as_bytes(std::span(content)); }

class packer {
public:
    explicit packer(const weir::chunk_compression_options& options = {})
        : engine_(context_.get_executor()), compressor_(engine_, options)
    {}

    void run(std::span<const weir::chunk> chunks)
    {
        asio::co_spawn(context_, pack_all(compressor_, chunks), [](std::exception_ptr failure) {
            if (failure)
                std::rethrow_exception(failure);
        });
        context_.restart();
        context_.run();
    }

    [[nodiscard]] weir::chunk_compression_statistics statistics() const { return compressor_.statistics(); }

private:
    static asio::awaitable<void> pack_all(weir::chunk_compressor& compressor, std::span<const weir::chunk> rest)
    {
        while (!rest.empty()) {
            weir::packed_batch packed = co_await compressor.pack(rest);
            rest = rest.subspan(packed.size());
        }
    }

    asio::io_context context_;
    weir::engine engine_;
    weir::chunk_compressor compressor_;
};

void digest_all(std::span<const weir::chunk> chunks)
{
    static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
    static EVP_MD_CTX* const context = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE];
    for (const weir::chunk& each : chunks) {
        unsigned length = 0;
        EVP_DigestInit_ex2(context, algorithm, nullptr);
        for (const weir::slice& part : each.content)
            EVP_DigestUpdate(context, part.data(), part.size());
        EVP_DigestFinal_ex(context, digest, &length);
        bench::keep(digest);
    }
}

/// What it costs to find out that nothing can be saved, beside the digests of the same bytes.
void compare_cost(const std::string& name, std::span<const std::byte> content, std::size_t chunk_bytes)
{
    const std::vector<weir::chunk> chunks = cut(content, chunk_bytes);
    packer ours;
    std::vector<bench::candidate> candidates;
    candidates.push_back({"sha256", [&] { digest_all(chunks); }});
    candidates.push_back({"pack", [&] { ours.run(chunks); }});
    bench::interleave(candidates, rounds);
    const weir::chunk_compression_statistics seen = ours.statistics();
    const double mine = candidates[1].best_cpu_seconds();
    const double digests = candidates[0].best_cpu_seconds();
    fmt::print("{:<24} {:>5} KiB {:>8.2f} % {:>10.1f} % {:>8.1f} %\n", name, chunk_bytes >> 10, 100 * mine / digests,
               100.0 * static_cast<double>(seen.by_sample.bytes) / static_cast<double>(seen.in.bytes),
               100.0 * static_cast<double>(seen.by_trial.bytes) / static_cast<double>(seen.in.bytes));
    bench::figure figure{fmt::format("not compressed, {} in {} KiB", name, chunk_bytes >> 10), mine * 1e3, "openssl",
                         digests * 1e3, "ms"};
    figure.at_most = true;
    if (name == "random" && chunk_bytes >= usual_chunk)
        figure.gate = 0.1, figure.target = 0.05;
    bench::publish(figure);
}

/// What could be saved, chunk by chunk, if each were tried.
std::uint64_t saved_at_best(std::span<const weir::chunk> chunks)
{
    bench::byte_vector room(weir::max_compressed_size(weir::codec::zstd, chunks.front().size()));
    std::uint64_t saved = 0;
    for (const weir::chunk& each : chunks) {
        const std::span<const std::byte> content = *each.content.begin();
        const std::size_t size = weir::compress(content, weir::codec::zstd, std::as_writable_bytes(std::span(room)));
        if (content.size() >= 4096 && size <= content.size() - content.size() / 16)
            saved += content.size() - size;
    }
    return saved;
}

void compare_saving(const std::string& root, std::size_t chunk_bytes)
{
    if (!std::filesystem::is_directory(root))
        return;
    const bench::byte_vector tree = bench::archive(bench::read_tree(root, most_content));
    const std::vector<weir::chunk> chunks = cut(bytes_of(tree), chunk_bytes);
    packer ours;
    ours.run(chunks);
    const weir::chunk_compression_statistics seen = ours.statistics();
    const double mine = static_cast<double>(seen.in.bytes - seen.bytes_out);
    const double all = static_cast<double>(saved_at_best(chunks));
    fmt::print("{:<24} {:>5} KiB {:>6.1f} of {:>5.1f} MiB saved: {:.4f}; {} of {} chunks raw by sample\n", root,
               chunk_bytes >> 10, mine / 1048576, all / 1048576, all > 0 ? mine / all : 1, seen.by_sample.chunks,
               seen.in.chunks);
    bench::figure figure{fmt::format("saved of {} in {} KiB", root, chunk_bytes >> 10), mine, "every chunk tried", all,
                         "bytes"};
    figure.gate = chunk_bytes == usual_chunk ? 0.99 : 0;
    bench::publish(figure);
}

void compare_pace(std::span<const weir::chunk> chunks)
{
    packer ours;
    std::vector<bench::candidate> candidates;
    candidates.push_back({"loop", [&] { bench::keep(saved_at_best(chunks)); }});
    candidates.push_back({"pack", [&] { ours.run(chunks); }});
    bench::interleave(candidates, rounds);
    const double loop = candidates[0].best_cpu_seconds(), pack = candidates[1].best_cpu_seconds();
    fmt::print("pace, by CPU time: {:.2f} of a loop over compress(); by the clock {:.2f}\n", loop / pack,
               bench::best(candidates[0].seconds) / bench::best(candidates[1].seconds));
    bench::publish({"pack chunks, zstd 3", 1 / pack, "compress()", 1 / loop, "rounds/s", 0.9});
}

} // namespace

int main()
{
    fmt::print("{}\n{:<24} {:>9} {:>10} {:>12} {:>10}\n", bench::cpu_name(), "does not pay", "chunks", "of SHA-256",
               "by sample", "by trial");
    const bench::byte_vector random = bench::random_bytes(most_content, 1);
    const bench::byte_vector tree = bench::archive(bench::read_tree("/usr/lib", most_content * 2));
    bench::byte_vector stream(weir::max_compressed_size(weir::codec::zstd, tree.size()));
    stream.resize(weir::compress(bytes_of(tree), weir::codec::zstd, std::as_writable_bytes(std::span(stream))));
    bench::byte_vector gz(weir::max_compressed_size(weir::codec::gzip, tree.size()));
    gz.resize(weir::compress(bytes_of(tree), weir::codec::gzip, std::as_writable_bytes(std::span(gz))));
    for (const std::size_t size : {std::size_t{8} << 10, usual_chunk, std::size_t{1} << 20}) {
        compare_cost("random", bytes_of(random), size);
        compare_cost("a zstd stream", bytes_of(stream), size);
        compare_cost("a gzip stream", bytes_of(gz), size);
    }
    for (const std::string root : {"/usr/lib", "/usr/share/doc", "/usr/include", "/usr/bin", "/usr/share"})
        for (const std::size_t size : {usual_chunk, std::size_t{1} << 20})
            compare_saving(root, size);
    compare_pace(cut(bytes_of(tree).first(std::min(tree.size(), most_content)), usual_chunk));
}
