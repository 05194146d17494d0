// weir compress, weir decompress: files and streams, as users of gzip and zstd expect.
#include "coded_names.hpp"
#include "coding_run.hpp"
#include "command.hpp"
#include "decoder_options.hpp"
#include "level_arguments.hpp"
#include "options.hpp"

#include <weir/file_handle.hpp>
#include <weir/worker_pool.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

using work = coding_options::work;

constexpr std::string_view compress_examples = R"(Examples:
  weir compress big.log                     makes big.log.zst, and keeps big.log
  weir compress --rm -19 -T0 *.log          as small as zstd gets, with all cores; the inputs go when that is done
  tar c src | weir compress --codec xz > src.tar.xz
  weir compress -t big.log.zst              is it whole?

The codec is that of the name behind -o, else zstd. Inputs are kept, unlike with gzip: --rm is said, never assumed.

Exit: 0 all is done; 1 an input failed, and the rest was done; 2 usage; 3 an output could not be written;
129, 130 or 143 by a signal, which leaves no half of an output.
)";

constexpr std::string_view decompress_examples = R"(Examples:
  weir decompress big.log.zst               makes big.log, and keeps big.log.zst
  weir decompress -t *.gz                   are they whole? A line for each that is not, with the offset
  curl -s https://host/a.tar.xz | weir decompress | tar x
  weir decompress --codec deflate -o out in a format without magic bytes has to be named, as lzma too

The codec is found by the first bytes, whatever the name. Inputs are kept, unlike with gzip: --rm is said, never assumed.

Exit: 0 all is whole; 1 an input failed, and the rest was done; 2 usage; 3 an output could not be written;
129, 130 or 143 by a signal, which leaves no half of an output.
)";

int read_level(std::string_view option, std::string_view text)
{
    int level = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), level);
    if (failure != std::errc() || end != text.data() + text.size())
        throw usage_error(fmt::format("--{} {}: a number is wanted", option, text));
    return level;
}

/// Negative levels are what zstd calls fast ones.
weir::codec_level read_fast_level(std::string_view text)
{
    constexpr std::uint64_t fastest_of_all = 131072;
    if (text.empty())
        return weir::codec_level::fastest;
    return -static_cast<int>(read_number("fast", text, 1, fastest_of_all));
}

void add_file_options(command_line& line, coding_options& options)
{
    line.begin_group("Files");
    line.add(
        {"stdout", "", "write to standard output", [&](std::string_view) { options.to_standard_output = true; }, 'c'});
    line.add({"output", "FILE", "write to FILE; a device or a pipe is written as it is",
              [&](std::string_view text) { options.output = text; }, 'o'});
    line.add({"keep", "", "keep the inputs, which is the default: nothing is lost by a mistake",
              [&](std::string_view) { options.remove = false; }, 'k'});
    line.add({"rm", "", "remove each input when its output is whole and on the disk",
              [&](std::string_view) { options.remove = true; }});
    line.add({"force", "", "replace outputs, follow links, use a terminal; with -dc copy what is not compressed",
              [&](std::string_view) { options.force = true; }, 'f'});
    line.add({"quiet", "", "no notices; errors are said", [&](std::string_view) { options.quiet = true; }, 'q'});
    line.add({"verbose", "", "say of each file that is done what it had and has, and the ratio",
              [&](std::string_view) { options.verbose = true; }, 'v'});
}

void add_work_options(command_line& line, coding_options& options)
{
    line.begin_group("What to do");
    line.add({"decompress", "", "decompress, as `weir decompress` does",
              [&](std::string_view) {
                  if (options.what == work::compress) // -td tests
                      options.what = work::decompress;
              },
              'd'});
    line.add({"test", "", "decompress and write nothing: is it whole?",
              [&](std::string_view) { options.what = work::test; }, 't'});
    line.add({"list", "", "sizes, found by decompressing; what a header says may be wrong",
              [&](std::string_view) { options.what = work::list; }, 'l'});
    add_dictionary(line, options.decoder.dictionary);
    line.add({"codec", "NAME", names_of_codecs(), [&](std::string_view text) { options.codec = read_codec("codec", text); }});
}

void add_encoder_options(command_line& line, coding_options& options)
{
    line.begin_group("Compression");
    line.add({"level", "N", "also -N: -1 to -22 (zstd), -9 (gzip, zlib, deflate, xz, lzma), -12 (lz4)",
              [&](std::string_view text) { options.encoder.level = read_level("level", text); }});
    line.add({"fast", "=N", "the fastest level; with N, which zstd and lz4 have, faster still",
              [&](std::string_view text) { options.encoder.level = read_fast_level(text); }, 0,
              [](std::string_view) { return false; }});
    line.add({"best", "", "the level that compresses best",
              [&](std::string_view) { options.encoder.level = weir::codec_level::best; }});
}

void add_limits(command_line& line, coding_options& options)
{
    add_decoder_limits(line, options.decoder, "for each file (default: none; 16G for standard input)",
                       &options.has_output_limit);
}

void add_threads(command_line& line, coding_options& options)
{
    line.add({"threads", "N", "N threads compress, in pieces, or decompress what is in pieces; 0: all cores; 1: as one",
              [&](std::string_view text) {
                  constexpr std::uint64_t most = 1024;
                  options.threads = static_cast<std::size_t>(read_number("threads", text, 0, most));
              },
              'T'});
}

bool uses_standard_output(const coding_options& options)
{
    return options.to_standard_output || (!options.output && std::ranges::count(options.names, "-") != 0);
}

void check_files(const coding_options& options)
{
    if (std::ranges::count(options.names, "") != 0 || options.output == "")
        throw usage_error("no file has an empty name");
    if (std::ranges::count(options.names, "-") > 1)
        throw usage_error("standard input can be read once: - is given more often");
    if (options.output && options.to_standard_output)
        throw usage_error("-o and -c name two outputs");
    if (options.output && options.names.size() > 1)
        throw usage_error("-o is for one FILE");
    const bool writes_none = options.what == work::test || options.what == work::list;
    if (writes_none && (options.output || options.to_standard_output))
        throw usage_error("-t and -l write no content: neither -o nor -c belongs to them");
    if (options.remove && (writes_none || options.to_standard_output))
        throw usage_error("--rm is for outputs that are files: not with -c, -t or -l");
}

bool is_terminal(const std::string& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISCHR(status.st_mode))
        return false;
    const weir::file_handle opened(::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    return opened && ::isatty(opened.descriptor()) == 1;
}

void check_terminals(const coding_options& options)
{
    if (options.force)
        return;
    if (options.what == work::compress) {
        if (uses_standard_output(options) ? ::isatty(STDOUT_FILENO) == 1 : options.output && is_terminal(*options.output))
            throw usage_error("compressed data is not written to a terminal; -o names a file, --force does it");
    }
    else if (std::ranges::count(options.names, "-") != 0 && ::isatty(STDIN_FILENO) == 1) {
        throw usage_error("compressed data is not read from a terminal; name a FILE, or see --help");
    }
}

/// As many threads as have the memory that they need.
std::size_t usual_threads(weir::codec which, const weir::encoder_settings& settings)
{
    constexpr std::size_t most_memory = std::size_t{1} << 30;
    std::size_t threads = weir::default_worker_count();
    while (threads > 1 && weir::parallel_memory(which, settings, {.threads = threads}) > most_memory)
        --threads;
    return threads;
}

/// Without -T the output is that of -T0, on any machine: it does not depend on how many threads there are.
void choose_threads(coding_options& options)
{
    if (options.threads == 1)
        return;
    const bool has_pieces = options.codec != weir::codec::lzma && options.codec != weir::codec::identity;
    if (!has_pieces) // one does all, as with the tool of xz
        return;
    options.pieces = {.threads = options.threads ? *options.threads : usual_threads(*options.codec, options.encoder)};
}

/// What is asked of the encoder, before any file is opened.
void resolve_encoder(coding_options& options)
{
    using weir::codec;
    if (!options.codec)
        options.codec = options.output ? codec_of_name(*options.output) : std::nullopt;
    options.codec = read_codec("codec", weir::to_string(options.codec.value_or(codec::zstd)));
    options.encoder.dictionary = options.decoder.dictionary;
    if (!options.encoder.dictionary.empty() && *options.codec != codec::zstd)
        throw usage_error(fmt::format("--dictionary: {} has none, zstd does", weir::to_string(*options.codec)));
    (void)weir::encoder_memory(*options.codec, options.encoder);
    choose_threads(options);
    const bool can_follow =
        *options.codec != codec::zlib && *options.codec != codec::deflate && *options.codec != codec::lzma;
    if (options.to_standard_output && options.names.size() > 1 && !can_follow)
        throw usage_error(
            fmt::format("{} knows no stream behind a stream: one FILE with -c", weir::to_string(*options.codec)));
}

int run_coding(const command_line& line, coding_options& options, int argc, char** argv)
{
    const bool has_levels = options.what == work::compress; // else they are allowed, as with gzip and zstd
    std::vector<std::string> arguments = with_levels_named(
        argc, argv, "oT", [&](std::string_view text) { return line.takes_next(text); }, has_levels);
    std::vector<char*> pointers;
    for (std::string& argument : arguments)
        pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    std::optional<std::vector<std::string>> names = line.parse(static_cast<int>(arguments.size()), pointers.data());
    if (!names)
        return all_read;
    options.names = std::move(*names);
    if (options.names.empty())
        options.names.emplace_back("-");
    if (options.output == "-") {
        options.output.reset();
        options.to_standard_output = true;
    }
    check_files(options);
    check_terminals(options);
    if (options.what == work::compress)
        resolve_encoder(options);
    end_cleanly_on_signals();
    return coding_run(options).run();
}

} // namespace

int run_compress(int argc, char** argv)
{
    coding_options options;
    command_line line("compress", "compress files, or standard input", "[FILE...|-]", std::string(compress_examples));
    add_work_options(line, options);
    add_encoder_options(line, options);
    add_threads(line, options);
    add_file_options(line, options);
    add_limits(line, options);
    return run_coding(line, options, argc, argv);
}

int run_decompress(int argc, char** argv)
{
    coding_options options;
    options.what = work::decompress;
    command_line line("decompress", "decompress files, or standard input, or test them", "[FILE...|-]",
                      std::string(decompress_examples));
    add_work_options(line, options);
    add_threads(line, options);
    add_file_options(line, options);
    add_limits(line, options);
    return run_coding(line, options, argc, argv);
}

} // namespace tool
