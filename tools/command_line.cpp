#include "command_line.hpp"

#include "command.hpp"
#include "output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <getopt.h>
#include <iterator>
#include <unistd.h>

namespace tool {
namespace {

/// What getopt_long needs, made from the table.
struct getopt_tables {
    // What it returns for the first long option, above all letters. Each has its own, or abbreviations of several would
    // be no mistake.
    static constexpr int first_long = 256;

    std::vector<::option> longs;
    std::string shorts = ":"; // tells a missing value from an unknown option

    explicit getopt_tables(const std::vector<const option*>& options)
    {
        for (const option* one : options) {
            int argument = no_argument;
            if (!one->value.empty())
                argument = one->is_value ? optional_argument : required_argument;
            longs.push_back({one->name.c_str(), argument, nullptr, first_long + static_cast<int>(longs.size())});
            if (one->letter != 0)
                shorts.append(1, one->letter).append(argument == no_argument ? "" : ":");
        }
        longs.push_back({});
    }
};

/// Why getopt_long refuses a long option.
std::string why_refused(std::string_view written, const std::vector<const option*>& options)
{
    written.remove_prefix(std::min(written.size(), written.find_first_not_of('-')));
    const std::string_view name = written.substr(0, written.find('='));
    std::string candidates;
    std::size_t count = 0;
    for (const option* one : options) {
        if (one->name == name)
            return "no value belongs behind option";
        if (!one->name.starts_with(name))
            continue;
        candidates += fmt::format("{}--{}", count++ == 0 ? "" : ", ", one->name);
    }
    if (count == 0)
        return "unknown option";
    return count == 1 ? "no value belongs behind option" : fmt::format("{} begin with option", candidates);
}

std::string left_column(const option& one)
{
    const std::string letter = one.letter != 0 ? fmt::format("-{}, ", one.letter) : "    ";
    std::string value;
    if (!one.value.empty())
        value = one.is_value ? fmt::format("{}[{}]", one.value.starts_with('=') ? "" : " ", one.value) : fmt::format(" {}", one.value);
    return fmt::format("  {}--{}{}", letter, one.name, value);
}

std::string row(const option& one) { return fmt::format("{:<33} {}\n", left_column(one), one.help); }

// Of every command line.
const option help_option{"help", "", "print this", {}, 'h'};
const option version_option{"version", "", "print the version", {}};

} // namespace

command_line::command_line(std::string name, std::string purpose, std::string arguments, std::string notes)
    : name_(std::move(name)), purpose_(std::move(purpose)), arguments_(std::move(arguments)), notes_(std::move(notes))
{}

void command_line::begin_group(std::string title) { groups_.push_back({std::move(title), {}}); }

void command_line::add(option added) { groups_.back().options.push_back(std::move(added)); }

bool command_line::takes_next(std::string_view argument) const
{
    if (!argument.starts_with("--"))
        return false;
    const std::string_view name = argument.substr(2);
    const std::vector<const option*> options = all();
    const auto begins = [&](const option* each) { return !name.empty() && each->name.starts_with(name); };
    const auto is_name = [&](const option* each) { return each->name == name; };
    auto found = std::ranges::find_if(options, is_name);
    if (found == options.end() && std::ranges::count_if(options, begins) == 1)
        found = std::ranges::find_if(options, begins);
    return found != options.end() && !(*found)->value.empty() && !(*found)->is_value;
}

std::vector<const option*> command_line::all() const
{
    std::vector<const option*> options;
    for (const group& one : groups_)
        for (const option& member : one.options)
            options.push_back(&member);
    return options;
}

std::optional<std::vector<std::string>> command_line::parse(int argc, char** argv) const
{
    std::vector<const option*> options = all();
    enum class print { nothing, help, version } asked = print::nothing;
    option help = help_option;
    help.apply = [&](std::string_view) { asked = print::help; };
    option version = version_option;
    version.apply = [&](std::string_view) { asked = print::version; };
    options.push_back(&help);
    options.push_back(&version);

    const getopt_tables tables(options);
    const auto is_letter = [] { return ::optopt != 0 && ::optopt < getopt_tables::first_long; };
    const auto refuse = [&](std::string_view what) {
        const std::string written = is_letter() ? fmt::format("-{}", static_cast<char>(::optopt)) : argv[::optind - 1];
        throw usage_error(fmt::format("{} '{}'; `weir {} --help` lists the options", what, written, name_));
    };
    ::optind = 0; // begin anew, whatever was read before
    ::opterr = 0;
    for (int found; (found = ::getopt_long(argc, argv, tables.shorts.c_str(), tables.longs.data(), nullptr)) != -1;) {
        if (found == '?')
            refuse(is_letter() ? "unknown option" : why_refused(argv[::optind - 1], options));
        if (found == ':')
            refuse("no value behind option");
        const auto chosen = found >= getopt_tables::first_long
            ? options.begin() + (found - getopt_tables::first_long)
            : std::find_if(options.begin(), options.end(), [&](const option* one) { return one->letter == found; });
        std::string_view value = ::optarg ? ::optarg : std::string_view();
        if (!::optarg && (*chosen)->is_value && ::optind < argc && (*chosen)->is_value(argv[::optind]))
            value = argv[::optind++];
        (*chosen)->apply(value);
        if (asked != print::nothing)
            break;
    }
    if (asked == print::help)
        write_all(STDOUT_FILENO, this->help());
    else if (asked == print::version)
        run_version(1, argv);
    if (asked != print::nothing)
        return std::nullopt;
    return std::vector<std::string>(argv + ::optind, argv + argc);
}

std::string command_line::help() const
{
    const std::string_view gap = arguments_.empty() ? "" : " ";
    std::string text =
        fmt::format("weir {}: {}\n\nUsage: weir {} [options]{}{}\n", name_, purpose_, name_, gap, arguments_);
    for (const group& one : groups_) {
        fmt::format_to(std::back_inserter(text), "\n{}:\n", one.title);
        for (const option& member : one.options)
            text += row(member);
    }
    text += "\nOther:\n" + row(help_option) + row(version_option);
    return text + "\n" + notes_;
}

} // namespace tool
