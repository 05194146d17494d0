// The weir command: finds the subcommand, and turns what it throws into a line and an exit code.
#include "command.hpp"
#include "output.hpp"

#include <weir/cpu.hpp>
#include <weir/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

struct subcommand {
    std::string_view name;
    int (*run)(int argc, char** argv);
    std::string_view purpose;
};

constexpr std::array subcommands = {
    subcommand{"ingest", &tool::run_ingest, "cut files, trees, URLs or a stream into chunks and digest them"},
    subcommand{"cat", &tool::run_cat, "copy URLs and files to standard output, and say whether they are whole"},
    subcommand{"ls", &tool::run_ls, "list what is in archives: tar, zip, compressed or not"},
    subcommand{"compress", &tool::run_compress, "compress files, or standard input"},
    subcommand{"decompress", &tool::run_decompress, "decompress files, or standard input, or test them"},
    subcommand{"train", &tool::run_train, "make a dictionary of zstd from typical files"},
    subcommand{"check", &tool::run_check, "compare files with what `ingest --json` said of them"},
    subcommand{"diff", &tool::run_diff, "what two files or trees share, and what changed"},
    subcommand{"config", &tool::run_config, "print the effective configuration, commented"},
    subcommand{"origin", &tool::run_origin, "serve HTTP as a script says, faults and all, to try clients on"},
    subcommand{"version", &tool::run_version, "print the version"},
};

void print_overview()
{
    std::string text = "weir cuts data into content-defined chunks and digests them, as fast as the machine allows.\n"
                       "\nUsage: weir SUBCOMMAND [options] ...\n\n";
    for (const subcommand& candidate : subcommands)
        text += fmt::format("  {:<11}{}\n", candidate.name, candidate.purpose);
    text += "\nExamples:\n"
            "  weir ingest /usr/share/doc               a report of files, chunks and duplicates\n"
            "  weir ingest --json photos > photos.list  every chunk and file as JSON Lines\n"
            "  weir check photos.list                   are the photos still what they were?\n"
            "  weir cat https://host/a.iso > a.iso      exits with 0 only if all of it came\n"
            "  weir ls backup.tar.zst                   what is in it, and weir cat gives it\n"
            "  weir decompress -t *.zst *.gz            are they whole?\n"
            "  weir diff old.img new.img                how much the images have in common\n"
            "\n`weir SUBCOMMAND --help` says more of each.\n";
    tool::write_all(STDOUT_FILENO, text);
}

/// \throws tool::usage_error  there is none
const subcommand& find_subcommand(std::string_view name)
{
    const auto found = std::find_if(subcommands.begin(), subcommands.end(),
                                    [&](const subcommand& candidate) { return candidate.name == name; });
    if (found == subcommands.end())
        throw tool::usage_error(fmt::format("no subcommand is called '{}'; `weir --help` lists them", name));
    return *found;
}

/// \param about  a subcommand, or not
int help(char* about)
{
    if (!about || *about == '-') {
        print_overview();
        return tool::all_read;
    }
    char option[] = "--help";
    std::array<char*, 3> arguments = {about, option, nullptr};
    return find_subcommand(about).run(2, arguments.data());
}

int run(int argc, char** argv)
{
    const std::string_view name = argc > 1 ? argv[1] : "--help";
    if (name == "--help" || name == "-h" || name == "help")
        return help(argc > 2 ? argv[2] : nullptr);
    (void)weir::active_cpu_level(); // what WEIR_CPU asks for wrongly is wrong for all that is no help
    if (name == "--version")
        return tool::run_version(1, argv);
    const subcommand& found = find_subcommand(name);
    return found.run(argc - 1, argv + 1);
}

/// Whether the error says that the command line asks for what cannot be, here or anywhere.
bool is_wrong_usage(const std::error_code& code)
{
    constexpr std::array codes = {weir::errc::bad_configuration,   weir::errc::bad_chunk_sizes,
                                  weir::errc::pool_too_small,      weir::errc::kernel_unavailable,
                                  weir::errc::backend_unavailable, weir::errc::invalid_size};
    return std::any_of(codes.begin(), codes.end(), [&](weir::errc candidate) { return code == candidate; });
}

/// The soft limit is low for the sake of programs that use select(2).
void allow_all_descriptors()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit); // as it was will do too
}

/// A standard descriptor that is closed would be given to the next file that is opened, and be read or written for it.
/// It is opened the wrong way round, so that its use fails as that of a closed one does.
void occupy_standard_descriptors()
{
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(descriptor, F_GETFD) == -1)
            (void)::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY); // gets the lowest free: this
}

} // namespace

int main(int argc, char** argv)
{
    occupy_standard_descriptors();
    // A reader that went away, a file that may not grow: errors of the write, not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    allow_all_descriptors();
    try {
        return run(argc, argv);
    }
    catch (const tool::usage_error& failure) {
        tool::say(failure.what());
        return tool::wrong_usage;
    }
    catch (const tool::output_error& failure) {
        tool::say(failure.what());
        return tool::output_failed;
    }
    catch (const weir::error& failure) {
        tool::say(failure.what());
        return is_wrong_usage(failure.code()) ? tool::wrong_usage : tool::input_failed;
    }
    catch (const std::exception& failure) {
        tool::say(failure.what());
        return tool::input_failed;
    }
}
