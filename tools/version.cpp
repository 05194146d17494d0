// weir version: which one this is.
#include "command.hpp"
#include "command_line.hpp"
#include "output.hpp"

#include <weir/codec.hpp>
#include <weir/version.hpp>

#include <fmt/format.h>

#include <unistd.h>

namespace tool {
namespace {

std::string list_of_codecs()
{
    std::string list;
    for (const weir::codec which : weir::all_codecs())
        list += fmt::format("{:<9}{}\n", weir::to_string(which),
                            weir::is_built_in(which) ? weir::implementation_of(which) : "not built in");
    return list;
}

} // namespace

int run_version(int argc, char** argv)
{
    command_line line("version", "print the version", "", "");
    bool codecs = false;
    line.begin_group("Options");
    line.add({"codecs", "", "which codecs are built in, and what does their work",
              [&](std::string_view) { codecs = true; }});
    const auto arguments = line.parse(argc, argv);
    if (!arguments)
        return all_read;
    if (!arguments->empty())
        throw usage_error("version takes no arguments");
    write_all(STDOUT_FILENO, codecs ? list_of_codecs() : fmt::format("weir {}\n", WEIR_VERSION));
    return all_read;
}

} // namespace tool
