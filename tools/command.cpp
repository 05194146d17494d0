#include "command.hpp"

#include "json.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace tool {

std::string counted(std::uint64_t count, std::string_view noun)
{
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

void say(std::string_view text)
{
    std::string line = "weir: ";
    // Names may hold anything; a terminal should not.
    append_printable(line, text);
    line += '\n';
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace tool
