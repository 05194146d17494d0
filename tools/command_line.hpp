#pragma once
// A subcommand's command line: a table of options that is read by getopt_long and printed as help.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

struct option {
    std::string name;                            ///< without dashes: `chunk-min`
    std::string value;                           ///< what help calls its value; empty: it takes none
    std::string help;                            ///< one line
    std::function<void(std::string_view)> apply; ///< called for every use, in order; may throw usage_error
    char letter = 0;                             ///< a short form
    /// Where set, the value may be left out: a next argument is it only if this says so. `apply` gets an empty text.
    std::function<bool(std::string_view)> is_value = {};
};

/// \par Thread-safety
/// One object at a time: getopt_long has global state.
class command_line {
public:
    /// \param arguments  what help calls the arguments that are no options
    /// \param notes      printed below the options: examples
    command_line(std::string name, std::string purpose, std::string arguments, std::string notes);

    /// Options added from here on stand below this title.
    void begin_group(std::string title);
    void add(option added);

    /// Applies the options, which may stand anywhere; `--` ends them, and `-` is none.
    ///
    /// \returns  the other arguments, as typed; nothing if help or the version was asked for, and is printed
    /// \throws usage_error  an unknown option, one without its value, or what `apply` throws; output_error
    [[nodiscard]] std::optional<std::vector<std::string>> parse(int argc, char** argv) const;

    /// Whether it is a long option, or so much of one that `parse` takes it for that, whose value is the next argument.
    [[nodiscard]] bool takes_next(std::string_view argument) const;

    /// What `--help` prints.
    [[nodiscard]] std::string help() const;

private:
    struct group {
        std::string title;
        std::vector<option> options;
    };

    [[nodiscard]] std::vector<const option*> all() const;

    std::string name_;
    std::string purpose_;
    std::string arguments_;
    std::string notes_;
    std::vector<group> groups_;
};

} // namespace tool
