#include <weir/configuration.hpp>

#include "keys.hpp"

#include <weir/error.hpp>
#include <weir/file_handle.hpp>

// Debian's package describes toml++ as a shared library; its headers alone keep it out of our own interface.
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>
#include <optional>
#include <unistd.h>

namespace weir {
namespace {

using detail::configuration_key;

constexpr std::size_t read_step = 64_KiB;

[[noreturn]] void refuse(std::string_view file, std::optional<std::uint64_t> line, std::string_view why)
{
    const std::string place = line ? fmt::format("{}:{}", file, *line) : std::string(file);
    throw error(errc::bad_configuration, "read the configuration", place, std::nullopt, why);
}

std::uint64_t line_of(const toml::node& node) { return node.source().begin.line; }

/// One file while it is read.
class reader {
public:
    explicit reader(std::string_view file) : file_(file) {}

    configuration read(const toml::table& document)
    {
        for (auto&& [name, node] : document)
            read_section(name.str(), node);
        if (const auto found = detail::find_contradiction(values_)) {
            const auto line = lines_.contains(found->key) ? lines_.find(found->key) : lines_.find(found->other);
            refuse(file_, line != lines_.end() ? std::optional(line->second) : std::nullopt,
                   fmt::format("{}: {}", found->key, found->why));
        }
        return values_;
    }

private:
    void read_section(std::string_view name, const toml::node& node)
    {
        const auto keys = detail::configuration_keys();
        const auto of_section = [&](const configuration_key& key) { return key.section() == name; };
        if (std::none_of(keys.begin(), keys.end(), of_section))
            refuse(file_, line_of(node),
                   fmt::format("unknown {} {}; allowed are the sections [chunking], [performance] and [limits]",
                               node.is_table() ? "section" : "key", name));
        if (!node.is_table())
            refuse(file_, line_of(node), fmt::format("{} is a section: write [{}]", name, name));
        for (auto&& [key_name, value] : *node.as_table())
            read_key(name, key_name.str(), value);
    }

    void read_key(std::string_view section, std::string_view name, const toml::node& node)
    {
        const auto keys = detail::configuration_keys();
        const auto key = std::find_if(keys.begin(), keys.end(), [&](const configuration_key& candidate) {
            return candidate.section() == section && candidate.name() == name;
        });
        if (key == keys.end())
            refuse(file_, line_of(node),
                   fmt::format("unknown key {}.{}; allowed are {}", section, name, names_of(section)));
        lines_[key->full_name] = line_of(node);
        if (!std::visit([&](const auto& typed) { return assign(typed, node); }, key->value))
            refuse(file_, line_of(node),
                   fmt::format("{}.{} cannot have this value; allowed are {}", section, name,
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

    bool assign(const detail::number_key& key, const toml::node& node)
    {
        const std::optional<std::uint64_t> value = number_in(node, key.is_size);
        const bool allowed = value && detail::is_allowed(key, *value);
        if (allowed)
            key.set(values_, *value);
        return allowed;
    }

    static std::optional<std::uint64_t> number_in(const toml::node& node, bool is_size)
    {
        if (const auto* number = node.as_integer())
            return number->get() >= 0 ? std::optional(static_cast<std::uint64_t>(number->get())) : std::nullopt;
        const auto* text = node.as_string();
        if (!is_size || !text)
            return std::nullopt;
        try {
            return parse_size(text->get());
        }
        catch (const error&) {
            return std::nullopt;
        }
    }

    bool assign(const detail::flag_key& key, const toml::node& node)
    {
        const auto* flag = node.as_boolean();
        if (flag)
            key.set(values_, flag->get());
        return flag != nullptr;
    }

    bool assign(const detail::choice_key& key, const toml::node& node)
    {
        std::string word;
        if (const auto* text = node.as_string())
            word = text->get();
        else if (const auto* number = node.as_integer())
            word = fmt::format("{}", number->get());
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
    }
}

namespace {

/// toml++ 3.3 runs into undefined behaviour where a character beyond ASCII stands outside of comments and texts, which
/// TOML does not allow anyway, or after a backslash. Texts end with their line here: no key has a longer one.
void refuse_stray_characters(std::string_view text, std::string_view name)
{
    if (text.starts_with("\xEF\xBB\xBF"))
        text.remove_prefix(3);
    char inside = 0; // the quote of a text, '#' in a comment, or 0
    char before = 0;
    int brackets = 0;
    toml::source_index line = 1;
    for (const char c : text) {
        const bool escaped = inside == '"' && before == '\\';
        const bool beyond_ascii = static_cast<unsigned char>(c) >= 0x80;
        if (beyond_ascii && (inside == 0 || escaped))
            refuse(name, line, "characters beyond ASCII are allowed in comments and texts only");
        brackets = inside == 0 && c == '[' ? brackets + 1 : 0;
        if (brackets > 2)
            refuse(name, line, "three brackets begin nothing"); // toml++ 3.3 asserts on them
        if (c == '\n') {
            ++line;
            inside = 0;
        }
        else if (inside == 0 && (c == '"' || c == '\'' || c == '#')) {
            inside = c;
        }
        else if (inside != '#' && c == inside && !escaped) {
            inside = 0;
        }
        before = escaped && c == '\\' ? 0 : c;
    }
}

} // namespace

configuration parse_configuration(std::string_view text, std::string_view name)
{
    refuse_stray_characters(text, name);
    try {
        return reader(name).read(toml::parse(text, name));
    }
    catch (const toml::parse_error& failure) {
        refuse(name, failure.source().begin.line, failure.description());
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
            fmt::format_to(std::back_inserter(text), "\n[{}]\n", section = key.section());
        fmt::format_to(std::back_inserter(text), "# {}\n# default {}; allowed: {}\n{} = {}\n", key.meaning,
                       detail::written_value(key, defaults), detail::allowed_values(key), key.name(),
                       detail::written_value(key, values));
    }
    return text;
}

} // namespace weir
