// weir version: which one this is.
#include "command.hpp"
#include "command_line.hpp"
#include "output.hpp"

#include <weir/version.hpp>

#include <fmt/format.h>

#include <unistd.h>

namespace tool {

int run_version(int argc, char** argv)
{
    const command_line line("version", "print the version", "", "");
    const auto arguments = line.parse(argc, argv);
    if (!arguments)
        return all_read;
    if (!arguments->empty())
        throw usage_error("version takes no arguments");
    write_all(STDOUT_FILENO, fmt::format("weir {}\n", WEIR_VERSION));
    return all_read;
}

} // namespace tool
