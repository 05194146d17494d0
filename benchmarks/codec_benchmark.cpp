// Codecs beside their own libraries, on one thread: blocks of 1 MiB beside the library's one-shot call with a context
// that is kept where it takes one, and messages of 300 bytes beside a loop that makes a context for each: here, and in
// a process that does nothing else.
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

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
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

/// Messages of so many bytes: each of one line after the other.
std::vector<byte_vector> messages_of(const std::function<std::string()>& next_line)
{
    std::vector<byte_vector> out;
    while (out.size() < messages) {
        std::string line;
        while (line.size() < message_bytes)
            line += next_line();
        const auto bytes = std::as_bytes(std::span(line)).first(message_bytes);
        out.emplace_back(bytes.begin(), bytes.end());
    }
    return out;
}

/// A log: one line several times, so nearly all of it is matches.
[[maybe_unused]] std::vector<byte_vector> log_lines()
{
    return messages_of([number = 0]() mutable {
        return fmt::format(R"({{"level":"info","request":{},"text":"request done"}},)", number++ / 6);
    });
}

/// Objects of JSON whose values all differ: some matches, many codes.
[[maybe_unused]] std::vector<byte_vector> records()
{
    return messages_of([random = std::mt19937(2)]() mutable {
        const auto below = [&](unsigned bound) { return random() % bound; };
        return fmt::format(
            R"({{"ts":"2024-03-{:02}T{:02}:{:02}:{:02}Z","level":"{}","service":"checkout-{}","trace":"{:08x}",)"
            R"("user":{},"method":"{}","path":"/orders/{}/items","status":{},"ms":{},"peer":"10.{}.{}.{}"}})"
            "\n",
            1 + below(28), below(24), below(60), below(60), below(5) ? "info" : "warn", below(20), random(),
            below(1'000'000), below(3) ? "GET" : "POST", below(100'000), below(4) ? 200 : 404, below(3000), below(256),
            below(256), below(256));
    });
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
    double alone_seconds = 0; ///< of the library in a process of its own; 0: not measured
    double alone_gate = 0;
    double alone_target = 0;
};

void show(const std::string& name, double theirs, double ours, double gate, double target)
{
    fmt::print("{:<40} {:>9.1f} {:>9.1f}  {:>6.2f}\n", name, theirs, ours, ours / theirs);
    bench::figure figure{name, ours, "library", theirs, "MB/s"};
    figure.gate = gate;
    figure.target = target;
    bench::publish(figure);
}

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
    const auto pace = [&](double seconds) { return total / seconds * 1e-6; };
    const double mine = pace(candidates[1].best_cpu_seconds());
    show(what.name, pace(candidates[0].best_cpu_seconds()), mine, what.gate, 0);
    if (what.alone_seconds > 0)
        show(what.name + ", alone", pace(what.alone_seconds), mine, what.alone_gate, what.alone_target);
}

std::vector<byte_span> cut(byte_span all, std::size_t size)
{
    std::vector<byte_span> out;
    for (; all.size() >= size; all = all.subspan(size))
        out.push_back(all.first(size));
    return out;
}

/// The gates of short messages, beside a context for each: in this process, and in one of its own.
struct message_gates {
    double here = 0;
    double alone = 0;
    double target = 0; ///< of the second
};

struct message_kind {
    std::string name;
    std::vector<byte_vector> (*make)();
    message_gates gates;
    double alone_seconds = 0; ///< of the naive loop in a process of its own
};

/// One codec, its library's calls, and how many rounds it is worth.
struct peer {
    weir::codec which;
    weir::encoder_settings settings;
    coder encode;
    coder decode;
    coder naive = nullptr; ///< makes a context for each message
    std::vector<message_kind> messages = {};
    std::size_t times = rounds;
};

/// The CPU time of the best round of the naive loop in a process that has done nothing before, in seconds.
///
/// There glibc gives the memory of each context back to the system and gets it again, page by page. Where larger pieces
/// have come and gone it has learned to keep it.
double alone(const peer& with, const message_kind& what)
{
    int ends[2];
    check(pipe(ends) == 0, "pipe");
    const pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
        std::vector<bench::candidate> candidates;
        candidates.push_back({"library", [&, all = what.make()] {
                                  std::byte memory[2 * message_bytes];
                                  for (const byte_vector& each : all)
                                      bench::keep(with.naive(each, memory));
                              }});
        bench::interleave(candidates, with.times);
        const double best = candidates.front().best_cpu_seconds();
        _exit(write(ends[1], &best, sizeof best) == sizeof best ? 0 : 1);
    }
    close(ends[1]); // else a child that fails is waited for without end
    double best = 0;
    const bool held = read(ends[0], &best, sizeof best) == sizeof best;
    close(ends[0]);
    check(waitpid(child, nullptr, 0) == child && held, "a process of its own");
    return best;
}

void compare(const peer& with, const message_kind& kind, const std::string& name, const coder& ours)
{
    const std::vector<byte_vector> all = kind.make();
    const std::vector<byte_span> inputs(all.begin(), all.end());
    const std::size_t bound = weir::max_compressed_size(with.which, message_bytes, with.settings);
    contest what{name + " 300 B, " + kind.name, message_bytes, inputs, kind.gates.here, with.times};
    what.alone_seconds = kind.alone_seconds;
    what.alone_gate = kind.gates.alone;
    what.alone_target = kind.gates.target;
    compare(what, with.naive, ours, bound);
}

void compare(const peer& with)
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

    for (const message_kind& each : with.messages)
        compare(with, each, name, encode);
}

#if WEIR_HAVE_ZSTD
peer zstd_peer()
{
    static ZSTD_CCtx* const in = ZSTD_createCCtx();
    static ZSTD_DCtx* const out = ZSTD_createDCtx();
    return {weir::codec::zstd,
            {.level = 3, .checksum = false},
            [](byte_span from, room to) {
                return ZSTD_compressCCtx(in, to.data(), to.size(), from.data(), from.size(), 3);
            },
            [](byte_span from, room to) {
                return ZSTD_decompressDCtx(out, to.data(), to.size(), from.data(), from.size());
            },
            [](byte_span from, room to) { return ZSTD_compress(to.data(), to.size(), from.data(), from.size(), 3); },
            {{"log lines", log_lines, {5, 5, 5}}, {"records", records, {4, 4, 5}}}};
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

peer lz4_peer()
{
    static LZ4F_dctx* out = nullptr;
    check(!LZ4F_isError(LZ4F_createDecompressionContext(&out, LZ4F_VERSION)), "lz4");
    return {weir::codec::lz4,
            {.level = 1, .checksum = false},
            [](byte_span from, room to) {
                return LZ4F_compressFrame(to.data(), to.size(), from.data(), from.size(), nullptr);
            },
            [](byte_span from, room to) {
                std::size_t taken = from.size(), given = to.size();
                LZ4F_decompress(out, to.data(), &given, from.data(), &taken, nullptr);
                return given;
            },
            naive_lz4,
            {{"log lines", log_lines, {1.1, 1.1, 1.1}}, {"records", records, {1.1, 1.1, 1.1}}}};
}
#endif

#if WEIR_HAVE_ZLIB
std::size_t one_shot_zlib(byte_span from, room to)
{
    uLongf size = to.size();
    compress2(reinterpret_cast<Bytef*>(to.data()), &size, reinterpret_cast<const Bytef*>(from.data()), from.size(), 6);
    return size;
}

peer zlib_peer()
{
    return {weir::codec::zlib,
            {.level = 6},
            one_shot_zlib,
            [](byte_span from, room to) {
                uLongf size = to.size();
                uncompress(reinterpret_cast<Bytef*>(to.data()), &size, reinterpret_cast<const Bytef*>(from.data()),
                           from.size());
                return std::size_t{size};
            },
            one_shot_zlib,
            // See docs/performance.md: where the memory stays, making a stream is 1 us of 4 to 18, and no more can be
            // saved.
            {{"log lines", log_lines, {1.2, 9, 10}}, {"records", records, {0.95, 3.5, 10}}}};
}
#endif

#if WEIR_HAVE_LZMA
peer xz_peer()
{
    return {weir::codec::xz,
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
            nullptr,
            {},
            5};
}
#endif

} // namespace

int main()
{
    std::vector<peer> peers;
#if WEIR_HAVE_ZSTD
    peers.push_back(zstd_peer());
#endif
#if WEIR_HAVE_LZ4
    peers.push_back(lz4_peer());
#endif
#if WEIR_HAVE_ZLIB
    peers.push_back(zlib_peer());
#endif
#if WEIR_HAVE_LZMA
    peers.push_back(xz_peer());
#endif
    for (peer& each : peers) // before this process takes and frees memory
        for (message_kind& kind : each.messages)
            kind.alone_seconds = alone(each, kind);
    fmt::print("{}\n{:<40} {:>9} {:>9}  {:>6}\n", bench::cpu_name(), "MB/s of content", "library", "weir", "times");
    for (const peer& each : peers)
        compare(each);
}
