#include "level_arguments.hpp"

#include <algorithm>

namespace tool {
namespace {

constexpr std::string_view digits = "0123456789";

/// Appends an argument that is letters behind one dash.
/// \returns  whether it ends in a letter whose value is the next argument
bool append_letters(std::vector<std::string>& out, std::string_view letters, std::string_view with_value,
                    bool keep)
{
    while (!letters.empty()) {
        const std::size_t number = std::min(letters.find_first_not_of(digits), letters.size());
        if (number != 0) {
            if (keep)
                out.push_back("--level=" + std::string(letters.substr(0, number)));
            letters.remove_prefix(number);
            continue;
        }
        const std::size_t value = letters.find_first_of(with_value);
        const std::size_t next = std::min(letters.find_first_of(digits), letters.size());
        if (value < next) { // the rest is what belongs to it
            out.push_back("-" + std::string(letters));
            return value + 1 == letters.size();
        }
        out.push_back("-" + std::string(letters.substr(0, next)));
        letters.remove_prefix(next);
    }
    return false;
}

} // namespace

std::vector<std::string> with_levels_named(int argc, char** argv, std::string_view with_value,
                                           const std::function<bool(std::string_view)>& takes_next, bool keep)
{
    std::vector<std::string> out;
    bool is_value = true; // the name of the command is none of our business either
    for (int i = 0; i < argc; ++i) {
        const std::string_view text = argv[i];
        if (text == "--" && !is_value) {
            out.insert(out.end(), argv + i, argv + argc);
            break;
        }
        const bool has_letters = !is_value && text.size() > 1 && text[0] == '-' && text[1] != '-';
        if (!has_letters)
            out.emplace_back(text);
        is_value = has_letters ? append_letters(out, text.substr(1), with_value, keep) : !is_value && takes_next(text);
    }
    return out;
}

} // namespace tool
