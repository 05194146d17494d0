// weir version: which one this is.
#include "command.hpp"
#include "output.hpp"

#include <weir/version.hpp>

#include <fmt/format.h>

#include <unistd.h>

namespace tool {

int run_version(int argc, char**)
{
    if (argc > 1)
        throw usage_error("version takes no arguments");
    write_all(STDOUT_FILENO, fmt::format("weir {}\n", WEIR_VERSION));
    return all_read;
}

} // namespace tool
