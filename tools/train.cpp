// weir train: a dictionary of zstd from typical files.
#include "arguments.hpp"
#include "block_io.hpp"
#include "command.hpp"
#include "new_file.hpp"
#include "options.hpp"
#include "output.hpp"

#include <weir/dictionary.hpp>
#include <weir/error.hpp>
#include <weir/file_handle.hpp>
#include <weir/size.hpp>
#include <weir/tree_walker.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>
#include <string>
#include <poll.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace tool {
namespace {

using namespace weir::literals;

constexpr std::string_view train_examples = R"(Examples:
  weir train -o messages.dict samples/             each file below is a sample
  weir train -o lines.dict --sample-size 512 log   each 512 bytes of a log
  weir compress --dictionary messages.dict m.json
  weir decompress --dictionary messages.dict m.json.zst

A hundred samples or more are wanted, together a hundred times the dictionary. What is compressed with a dictionary needs
it for ever: zstd's tool takes it with -D.

Exit: 0 it is there; 1 a sample could not be read, or the samples are too few; 2 usage; 3 it could not be written.
)";

struct train_arguments {
    std::vector<std::string> names;
    std::string output;
    std::size_t max_bytes = 112_KiB;
    std::size_t sample_bytes = 0; // 0: a file is a sample
    bool force = false;
};

/// The beginning of each file, or all of it in pieces.
class sample_set {
public:
    explicit sample_set(std::size_t piece_bytes) : piece_bytes_(piece_bytes) {}

    /// \returns  false when there is no room for more
    bool add(const weir::file_handle& file, const std::string& name)
    {
        const std::size_t start = content_.size();
        const std::size_t most = std::min(piece_bytes_ == 0 ? longest_sample : most_bytes, most_bytes - start);
        block_reader(file.descriptor(), name).append_to(content_, most);
        const std::size_t got = content_.size() - start;
        const std::size_t piece = piece_bytes_ == 0 ? std::max<std::size_t>(got, 1) : piece_bytes_;
        for (std::size_t at = 0; at < got; at += piece)
            sizes_.push_back(std::min(piece, got - at));
        return content_.size() < most_bytes;
    }

    [[nodiscard]] std::vector<std::span<const std::byte>> samples() const
    {
        std::vector<std::span<const std::byte>> out;
        std::span<const std::byte> rest = content_;
        for (const std::size_t size : sizes_) {
            out.push_back(rest.first(size));
            rest = rest.subspan(size);
        }
        return out;
    }

    [[nodiscard]] std::size_t bytes() const noexcept { return content_.size(); }

private:
    static constexpr std::size_t longest_sample = 128_KiB; // the library looks at no more of one
    static constexpr std::size_t most_bytes = 256_MiB;

    std::size_t piece_bytes_;
    std::vector<std::byte> content_;
    std::vector<std::size_t> sizes_;
};

/// \throws weir::error  the first file that cannot be read
void gather(sample_set& into, const std::vector<std::string>& names)
{
    weir::tree_walker walk;
    for (const std::string& name : names)
        walk.add(name);
    std::vector<weir::tree_entry> entries;
    constexpr std::size_t at_once = 64;
    while (walk.next_batch(entries, at_once)) {
        for (const weir::tree_entry& each : entries) {
            if (each.kind == weir::entry_kind::error)
                throw weir::error(each.error, "open", each.path);
            if (each.kind == weir::entry_kind::skipped)
                continue;
            std::error_code failure;
            const weir::file_handle file = each.open(weir::open_flags::none, failure);
            if (failure)
                throw weir::error(failure, "open", each.path);
            if (each.kind == weir::entry_kind::special) { // opened without waiting for a writer
                pollfd first{file.descriptor(), POLLIN, 0};
                while (::poll(&first, 1, -1) < 0 && errno == EINTR) {}
            }
            if (!into.add(file, each.path)) {
                say(fmt::format("notice: samples of {} are enough; the rest is not read", weir::format_size(into.bytes())));
                return;
            }
        }
        entries.clear();
    }
}

/// Before anything is read, which may take long.
void check_output(const train_arguments& arguments)
{
    if (arguments.output == "-") {
        if (::isatty(STDOUT_FILENO) == 1 && !arguments.force)
            throw usage_error("a dictionary is not written to a terminal; --output names a file, --force does it");
        return;
    }
    const char* const path = arguments.output.c_str();
    struct stat there {};
    if (::lstat(path, &there) != 0)
        return; // creating it says more
    if (::stat(path, &there) == 0 && !S_ISREG(there.st_mode))
        throw usage_error(fmt::format("--output: {} is no regular file", arguments.output));
    if (!arguments.force)
        throw output_error(std::make_error_code(std::errc::file_exists), "create", arguments.output);
}

void train(const train_arguments& arguments)
{
    check_output(arguments);
    sample_set gathered(arguments.sample_bytes);
    gather(gathered, arguments.names);
    const std::vector<std::span<const std::byte>> samples = gathered.samples();
    const weir::dictionary made = weir::train_dictionary(samples, arguments.max_bytes);
    const std::string what = fmt::format("{}: {}, number {}, from {} of {}", arguments.output,
                                         weir::format_size(made.content().size()), made.id(),
                                         counted(samples.size(), "sample"), weir::format_size(gathered.bytes()));
    std::optional<new_file> out;
    if (arguments.output != "-")
        out.emplace(arguments.output, 0666);
    block_writer writer(out ? out->descriptor() : STDOUT_FILENO, out ? arguments.output : "standard output");
    writer.write(made.content());
    writer.finish();
    if (!out)
        return say(what);
    out->keep(arguments.force ? new_file::existing::replace : new_file::existing::keep, false);
    write_all(STDOUT_FILENO, what + '\n');
}

} // namespace

int run_train(int argc, char** argv)
{
    train_arguments arguments;
    command_line line("train", "make a dictionary of zstd from typical files", "FILE... | DIRECTORY...",
                      std::string(train_examples));
    line.begin_group("Dictionary");
    line.add({"output", "FILE", "where it is written; -: to standard output", [&](std::string_view text) { arguments.output = text; }, 'o'});
    line.add({"max-size", "SIZE", "of the dictionary (default 112K)",
              [&](std::string_view text) { arguments.max_bytes = read_size("max-size", text); }});
    line.add({"sample-size", "SIZE", "cut files into samples of so many bytes (default: a file is a sample)",
              [&](std::string_view text) { arguments.sample_bytes = read_size("sample-size", text); }});
    line.add({"force", "", "replace FILE", [&](std::string_view) { arguments.force = true; }, 'f'});
    auto names = line.parse(argc, argv);
    if (!names)
        return all_read;
    arguments.names = std::move(*names);
    if (arguments.names.empty() || std::ranges::count(arguments.names, "") != 0)
        throw usage_error("train needs files or directories of samples; see `weir train --help`");
    if (arguments.output.empty())
        throw usage_error("train needs --output FILE");
    end_cleanly_on_signals();
    try {
        train(arguments);
    }
    catch (const weir::error& failure) {
        if (failure.operation() != "train")
            throw;
        say(failure.what()); // the samples are what is wrong, not the command line
        return input_failed;
    }
    return all_read;
}

} // namespace tool
