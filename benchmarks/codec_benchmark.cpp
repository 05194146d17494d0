// Codecs beside their own libraries, on one thread: blocks of 1 MiB beside the library's one-shot call with a context
// that is kept where it takes one, and messages of 300 bytes beside a loop that makes a context for each.
//
// Best of many short rounds, interleaved, by CPU time: other load on the machine hardly counts.

#include "measure.hpp"
#include "report.hpp"

#include "weir_config.h"

#include <weir/compress.hpp>

#include <fmt/core.h>

#if WEIR_HAVE_ZSTD
#    include <zstd.h>
#endif
#if WEIR_HAVE_LZ4
#    include <lz4frame.h>
#endif
#if WEIR_HAVE_ZLIB
#    include <zlib.h>
#endif
#if WEIR_HAVE_LZMA
#    include <lzma.h>
#endif

#include <algorithm>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 20;
constexpr std::size_t blocks = 4;
constexpr std::size_t message_bytes = 300;
constexpr std::size_t messages = 4000;
constexpr std::size_t rounds = 15;

using byte_vector = std::vector<std::byte>;
using byte_span = std::span<const std::byte>;
using room = std::span<std::byte>;
/// From a span into another; gives how much it wrote.
using coder = std::function<std::size_t(byte_span, room)>;

/// Text of words with some noise: about four to one.
byte_vector text(std::size_t size)
{
    constexpr std::string_view vocabulary[] = {"block ", "slice ", "pool ", "reservation ", "source ", "sink\n",
                                               "chunk ", "digest ", "stream ", "0x7f3a ", "GET /index.html ", "42 "};
    std::mt19937_64 random(1);
    byte_vector out;
    while (out.size() < size) {
        const auto next = std::as_bytes(std::span(vocabulary[random() % std::size(vocabulary)]));
        out.insert(out.end(), next.begin(), next.end());
        if (random() % 4 == 0)
            out.push_back(static_cast<std::byte>(random()));
    }
    out.resize(size);
    return out;
}

/// Lines of a log, each a message: most of one is in every other too.
std::vector<byte_vector> log_lines()
{
    std::vector<byte_vector> out;
    for (std::size_t i = 0; i < messages; ++i) {
        std::string line;
        while (line.size() < message_bytes)
            line += fmt::format(R"({{"level":"info","request":{},"text":"request done"}},)", i);
        const auto bytes = std::as_bytes(std::span(line)).first(message_bytes);
        out.emplace_back(bytes.begin(), bytes.end());
    }
    return out;
}

void check(bool held, std::string_view what)
{
    if (!held)
        throw std::runtime_error(std::string(what));
}

struct contest {
    std::string name;
    std::size_t size; ///< of a message
    std::vector<byte_span> inputs;
    double gate;
    std::size_t times = rounds;
    double target = 0;
};

void compare(const contest& what, const coder& theirs, const coder& ours, std::size_t room_bytes)
{
    byte_vector memory(room_bytes);
    const auto all_with = [&](const coder& one) {
        return [&] {
            for (const byte_span each : what.inputs)
                bench::keep(one(each, memory));
        };
    };
    std::vector<bench::candidate> candidates;
    candidates.push_back({"library", all_with(theirs)});
    candidates.push_back({"weir", all_with(ours)});
    bench::interleave(candidates, what.times);
    const double total = static_cast<double>(what.size * what.inputs.size());
    const double peer = total / candidates[0].best_cpu_seconds() * 1e-6;
    const double mine = total / candidates[1].best_cpu_seconds() * 1e-6;
    fmt::print("{:<28} {:>9.1f} {:>9.1f}  {:>6.2f}\n", what.name, peer, mine, mine / peer);
    bench::figure figure{what.name, mine, "library", peer, "MB/s"};
    figure.gate = what.gate;
    figure.target = what.target;
    bench::publish(figure);
}

std::vector<byte_span> cut(byte_span all, std::size_t size)
{
    std::vector<byte_span> out;
    for (; all.size() >= size; all = all.subspan(size))
        out.push_back(all.first(size));
    return out;
}

/// One codec, its library's calls, and how many rounds it is worth.
struct peer {
    weir::codec which;
    weir::encoder_settings settings;
    coder encode;
    coder decode;
    coder naive;             ///< makes a context for each message
    double message_gate = 0; ///< of short messages; 0: not measured
    double message_target = 0;
    std::size_t times = rounds;
};

[[maybe_unused]] void compare(const peer& with)
{
    const std::string name(weir::to_string(with.which));
    const byte_vector content = text(block_bytes * blocks);
    const std::size_t bound = weir::max_compressed_size(with.which, block_bytes, with.settings);
    const coder encode = [&](byte_span in, room out) { return weir::compress(in, with.which, out, with.settings); };
    const coder decode = [&](byte_span in, room out) { return weir::decompress(in, with.which, out); };
    const std::vector<byte_span> plain = cut(content, block_bytes);
    compare({name + " encode 1 MiB", block_bytes, plain, 0.98, with.times}, with.encode, encode, bound);

    std::vector<byte_vector> encoded;
    std::vector<byte_span> inputs;
    byte_vector back(block_bytes);
    for (const byte_span each : plain) {
        byte_vector& next = encoded.emplace_back(bound);
        next.resize(with.encode(each, next));
        check(with.decode(next, back) == block_bytes && std::ranges::equal(back, each), "the library fails");
        check(decode(next, back) == block_bytes && std::ranges::equal(back, each), "the decoder fails");
    }
    inputs.assign(encoded.begin(), encoded.end());
    compare({name + " decode 1 MiB", block_bytes, inputs, 0.98, with.times}, with.decode, decode, block_bytes);

    if (with.message_gate == 0)
        return;
    const std::vector<byte_vector> lines = log_lines();
    const std::vector<byte_span> short_ones(lines.begin(), lines.end());
    compare({name + " encode 300 B", message_bytes, short_ones, with.message_gate, with.times, with.message_target},
            with.naive, encode, bound);
}

#if WEIR_HAVE_ZSTD
void compare_zstd()
{
    static ZSTD_CCtx* const in = ZSTD_createCCtx();
    static ZSTD_DCtx* const out = ZSTD_createDCtx();
    compare({weir::codec::zstd,
             {.level = 3, .checksum = false},
             [](byte_span from, room to) {
                 return ZSTD_compressCCtx(in, to.data(), to.size(), from.data(), from.size(), 3);
             },
             [](byte_span from, room to) {
                 return ZSTD_decompressDCtx(out, to.data(), to.size(), from.data(), from.size());
             },
             [](byte_span from, room to) { return ZSTD_compress(to.data(), to.size(), from.data(), from.size(), 3); },
             5});
}
#endif

#if WEIR_HAVE_LZ4
std::size_t naive_lz4(byte_span from, room to)
{
    LZ4F_cctx* context = nullptr;
    check(!LZ4F_isError(LZ4F_createCompressionContext(&context, LZ4F_VERSION)), "lz4");
    std::size_t size = LZ4F_compressBegin(context, to.data(), to.size(), nullptr);
    size += LZ4F_compressUpdate(context, to.data() + size, to.size() - size, from.data(), from.size(), nullptr);
    size += LZ4F_compressEnd(context, to.data() + size, to.size() - size, nullptr);
    LZ4F_freeCompressionContext(context);
    return size;
}

void compare_lz4()
{
    static LZ4F_dctx* out = nullptr;
    check(!LZ4F_isError(LZ4F_createDecompressionContext(&out, LZ4F_VERSION)), "lz4");
    compare({weir::codec::lz4,
             {.level = 1, .checksum = false},
             [](byte_span from, room to) {
                 return LZ4F_compressFrame(to.data(), to.size(), from.data(), from.size(), nullptr);
             },
             [](byte_span from, room to) {
                 std::size_t taken = from.size(), given = to.size();
                 LZ4F_decompress(out, to.data(), &given, from.data(), &taken, nullptr);
                 return given;
             },
             naive_lz4, 1.1});
}
#endif

#if WEIR_HAVE_ZLIB
std::size_t one_shot_zlib(byte_span from, room to)
{
    uLongf size = to.size();
    compress2(reinterpret_cast<Bytef*>(to.data()), &size, reinterpret_cast<const Bytef*>(from.data()), from.size(), 6);
    return size;
}

void compare_zlib()
{
    compare({weir::codec::zlib,
             {.level = 6},
             one_shot_zlib,
             [](byte_span from, room to) {
                 uLongf size = to.size();
                 uncompress(reinterpret_cast<Bytef*>(to.data()), &size, reinterpret_cast<const Bytef*>(from.data()),
                            from.size());
                 return std::size_t{size};
             },
             // With glibc's malloc making a stream costs 1 us of 4 to 18: no more than that can be saved.
             one_shot_zlib, 0.95, 10});
}
#endif

#if WEIR_HAVE_LZMA
void compare_xz()
{
    compare({weir::codec::xz,
             {.level = 1},
             [](byte_span from, room to) {
                 std::size_t size = 0;
                 const lzma_ret result = lzma_easy_buffer_encode(
                     1, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(from.data()), from.size(),
                     reinterpret_cast<std::uint8_t*>(to.data()), &size, to.size());
                 check(result == LZMA_OK, "lzma");
                 return size;
             },
             [](byte_span from, room to) {
                 std::uint64_t limit = UINT64_MAX;
                 std::size_t taken = 0, given = 0;
                 const lzma_ret result = lzma_stream_buffer_decode(
                     &limit, 0, nullptr, reinterpret_cast<const std::uint8_t*>(from.data()), &taken, from.size(),
                     reinterpret_cast<std::uint8_t*>(to.data()), &given, to.size());
                 check(result == LZMA_OK, "lzma");
                 return given;
             },
             nullptr, 0, 0, 5});
}
#endif

} // namespace

int main()
{
    fmt::print("{}\n{:<28} {:>9} {:>9}  {:>6}\n", bench::cpu_name(), "MB/s of content", "library", "weir", "times");
#if WEIR_HAVE_ZSTD
    compare_zstd();
#endif
#if WEIR_HAVE_LZ4
    compare_lz4();
#endif
#if WEIR_HAVE_ZLIB
    compare_zlib();
#endif
#if WEIR_HAVE_LZMA
    compare_xz();
#endif
}
