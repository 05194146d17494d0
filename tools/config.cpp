// weir config: the effective configuration, commented.
#include "command.hpp"
#include "json.hpp"
#include "options.hpp"
#include "output.hpp"

#include <string>
#include <unistd.h>
#include <utility>

namespace tool {

int run_config(int argc, char** argv)
{
    command_line line("config", "print the effective configuration, commented", "",
                      "Examples:\n"
                      "  weir config > weir.toml              every key with its default, to edit\n"
                      "  weir config --config weir.toml       what the file comes to\n"
                      "  weir config --chunk-avg 64K --jobs 4  the same for a command line\n");
    const setting_options setting(line);
    const auto arguments = line.parse(argc, argv);
    if (!arguments)
        return all_read;
    if (!arguments->empty())
        throw usage_error("config takes no arguments but options: '" + arguments->front() + "'");
    std::string text = weir::to_commented_toml(setting.resolve().configuration);
    for (bool first = true; const std::string& each : setting.without_keys()) {
        text += std::exchange(first, false) ? "\n# Options that no key stands for:\n# " : "# ";
        append_printable(text, each);
        text += '\n';
    }
    write_all(STDOUT_FILENO, text);
    return all_read;
}

} // namespace tool
