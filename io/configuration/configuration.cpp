#include <weir/configuration.hpp>

#include "keys.hpp"
#include "toml.hpp"

#include <weir/error.hpp>
#include <weir/file_handle.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include <unistd.h>

namespace weir {
namespace {

using detail::configuration_key;

using detail::toml_entry;
using detail::toml_table;

constexpr std::size_t read_step = 64_KiB;
constexpr std::size_t largest_file = 1_MiB; // a device by mistake must not fill the memory

[[noreturn]] void refuse(std::string_view file, std::optional<std::uint64_t> line, std::string_view why)
{
    const std::string place = line ? fmt::format("{}:{}", file, *line) : std::string(file);
    throw error(errc::bad_configuration, "read the configuration", place, std::nullopt, why);
}

/// The value, behind "cannot", in messages.
struct be_this {
    std::string operator()(const toml_table&) const { return "be a table"; }
    std::string operator()(const detail::toml_other&) const { return "have this value"; }
    std::string operator()(std::int64_t number) const { return fmt::format("be {}", number); }
    std::string operator()(bool flag) const { return fmt::format("be {}", flag); }
    std::string operator()(const std::string& text) const
    {
        constexpr std::size_t enough = 40;
        return fmt::format("be \"{}{}\"", text.substr(0, enough), text.size() > enough ? "..." : "");
    }
};

/// One file while it is read.
class reader {
public:
    explicit reader(std::string_view file) : file_(file) {}

    configuration read(std::span<const toml_entry> document)
    {
        for (const toml_entry& entry : document) {
            check_section(entry);
            if (entry.path.size() > 1)
                read_key(entry);
        }
        if (const auto found = detail::find_contradiction(values_)) {
            const auto line = lines_.contains(found->key) ? lines_.find(found->key) : lines_.find(found->other);
            refuse(file_, line != lines_.end() ? std::optional(line->second) : std::nullopt,
                   fmt::format("{}: {}", found->key, found->why));
        }
        return values_;
    }

private:
    void check_section(const toml_entry& entry) const
    {
        const std::string& name = entry.path.front();
        const auto keys = detail::configuration_keys();
        const auto of_section = [&](const configuration_key& key) { return key.section() == name; };
        const bool is_table = entry.path.size() > 1 || std::holds_alternative<toml_table>(entry.value);
        if (std::none_of(keys.begin(), keys.end(), of_section))
            refuse(file_, entry.line,
                   fmt::format("unknown {} {}; allowed are the sections [chunking], [performance] and [limits]",
                               is_table ? "section" : "key", name));
        if (!is_table)
            refuse(file_, entry.line, fmt::format("{} is a section: write [{}]", name, name));
    }

    void read_key(const toml_entry& entry)
    {
        const std::string name = fmt::format("{}", fmt::join(entry.path, "."));
        const auto keys = detail::configuration_keys();
        const auto key = std::find_if(keys.begin(), keys.end(),
                                      [&](const configuration_key& candidate) { return candidate.full_name == name; });
        if (key == keys.end() || entry.path.size() != 2) // a quoted name may hold a full stop
            refuse(file_, entry.line,
                   fmt::format("unknown key {}; allowed are {}", name, names_of(entry.path.front())));
        lines_[key->full_name] = entry.line;
        if (!std::visit([&](const auto& typed) { return assign(typed, entry); }, key->value))
            refuse(file_, entry.line,
                   fmt::format("{} cannot {}; allowed are {}", name, std::visit(be_this{}, entry.value),
                               detail::allowed_values(*key)));
    }

    static std::string names_of(std::string_view section)
    {
        std::string names;
        for (const configuration_key& key : detail::configuration_keys())
            if (key.section() == section)
                names.append(names.empty() ? "" : ", ").append(key.name());
        return names;
    }

    bool assign(const detail::number_key& key, const toml_entry& entry)
    {
        const std::optional<std::uint64_t> value = number_in(entry, key.is_size);
        const bool allowed = value && detail::is_allowed(key, *value);
        if (allowed)
            key.set(values_, *value);
        return allowed;
    }

    static std::optional<std::uint64_t> number_in(const toml_entry& entry, bool is_size)
    {
        if (const auto* number = std::get_if<std::int64_t>(&entry.value))
            return *number >= 0 ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
        const auto* text = std::get_if<std::string>(&entry.value);
        if (!is_size || !text)
            return std::nullopt;
        try {
            return parse_size(*text);
        }
        catch (const error&) {
            return std::nullopt;
        }
    }

    bool assign(const detail::flag_key& key, const toml_entry& entry)
    {
        const auto* flag = std::get_if<bool>(&entry.value);
        if (flag)
            key.set(values_, *flag);
        return flag != nullptr;
    }

    bool assign(const detail::choice_key& key, const toml_entry& entry)
    {
        std::string word;
        if (const auto* text = std::get_if<std::string>(&entry.value))
            word = *text;
        else if (const auto* number = std::get_if<std::int64_t>(&entry.value))
            word = fmt::format("{}", *number);
        const auto found = std::find(key.words.begin(), key.words.end(), word);
        if (found == key.words.end())
            return false;
        key.set(values_, static_cast<std::size_t>(found - key.words.begin()));
        return true;
    }

    std::string_view file_;
    configuration values_;
    std::map<std::string_view, std::uint64_t> lines_; // of the keys that the file has
};

/// A comment above a section.
std::string_view about(std::string_view section)
{
    return section == "limits" ? "# For programs that make a buffer_pool of their own; the weir command does not look at it.\n"
                               : "";
}

} // namespace

configuration load_configuration(const std::filesystem::path& path)
{
    const file_handle file = file_handle::open(path);
    std::string text;
    for (;;) {
        const std::size_t size = text.size();
        text.resize(size + read_step);
        const ssize_t count = ::read(file.descriptor(), text.data() + size, read_step);
        if (count < 0 && errno != EINTR)
            throw_system_error(errno, "read", path.native());
        text.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (count == 0)
            return parse_configuration(text, path.native());
        if (text.size() > largest_file)
            refuse(path.native(), std::nullopt, "a configuration has at most 1 MiB");
    }
}

configuration parse_configuration(std::string_view text, std::string_view name)
{
    try {
        return reader(name).read(detail::parse_toml(text));
    }
    catch (const detail::toml_error& failure) {
        refuse(name, failure.line(), failure.what());
    }
}

std::string to_commented_toml(const configuration& values)
{
    const configuration defaults;
    std::string text = "# The configuration of weir: every key, with its default and the values allowed.\n"
                       "# Sizes are bytes, or texts such as \"64 KiB\"; K, KB and KiB are 1024, M, G and T alike.\n";
    std::string_view section;
    for (const configuration_key& key : detail::configuration_keys()) {
        if (key.section() != section)
            fmt::format_to(std::back_inserter(text), "\n{}[{}]\n", about(key.section()), section = key.section());
        fmt::format_to(std::back_inserter(text), "# {}\n# default {}; allowed: {}\n{} = {}\n", key.meaning,
                       detail::written_value(key, defaults), detail::allowed_values(key), key.name(),
                       detail::written_value(key, values));
    }
    return text;
}

} // namespace weir
