#pragma once
// What the subcommands have in common: exit codes, usage errors, and their entries.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tool {

/// What the command exits with; a signal adds 130 (SIGINT) and 143 (SIGTERM).
enum exit_code : int {
    all_read = 0,
    input_failed = 1,  ///< an input could not be read, or did not match; the rest was done
    wrong_usage = 2,   ///< the command line, the configuration, or what it asks of this machine
    output_failed = 3, ///< results could not be written
    // Of `weir cat` alone:
    unreachable = 4,    ///< the host has no address, or nobody there takes the connection
    not_secure = 5,     ///< TLS: nobody there who can be trusted
    not_http = 6,       ///< what was answered breaks the protocol
    refused = 7,        ///< a status that is no success: of 400 or above, or 300 and 304
    cut_short = 8,      ///< a body that broke off and could not be taken up again
    wrong_digest = 9,   ///< the body came whole, and is not what it was said to be
    took_too_long = 10, ///< a limit of time
};

/// A command line that cannot be followed; the text says why.
class usage_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Each subcommand gets the command line from its own name on.
int run_ingest(int argc, char** argv);
int run_cat(int argc, char** argv);
int run_ls(int argc, char** argv);
int run_compress(int argc, char** argv);
int run_decompress(int argc, char** argv);
int run_train(int argc, char** argv);
int run_check(int argc, char** argv);
int run_diff(int argc, char** argv);
int run_config(int argc, char** argv);
int run_origin(int argc, char** argv);
int run_version(int argc, char** argv);

/// `1 file`, `2 files`.
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);

/// What `say` prints: a line with the command's name before it, whatever the text holds, and without secrets of URLs in it.
[[nodiscard]] std::string message_line(std::string_view text);

/// Prints a line to standard error, and waits where it has to: for what is said outside of a `session`, which says its own
/// messages. Output that cannot be written is lost: there is nowhere left to say so.
void say(std::string_view text);

} // namespace tool
