#include "command.hpp"

#include "json.hpp"
#include "output.hpp"
#include "redaction.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace tool {

std::string counted(std::uint64_t count, std::string_view noun)
{
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string message_line(std::string_view text)
{
    std::string line = "weir: ";
    // Names may hold anything; a terminal should not.
    append_printable(line, redacted_message(text));
    line += '\n';
    return line;
}

void say(std::string_view text)
{
    try {
        write_all(STDERR_FILENO, message_line(text));
    }
    catch (const output_error&) {
    }
}

} // namespace tool
