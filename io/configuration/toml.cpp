#include "toml.hpp"

#include "base/ascii.hpp"
#include "toml_definitions.hpp"
#include "utf8.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

namespace weir::detail {
namespace {

constexpr unsigned deepest = 32;

using ascii::is_letter;
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_bare(char c) noexcept { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; }

/// What holds everywhere: UTF-8, and no control characters but tabs and ends of lines.
void check_characters(std::string_view text)
{
    std::uint64_t line = 1;
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        if (length == 0)
            throw toml_error(line, "this is not UTF-8");
        const char c = text.front();
        const bool control = (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n') || c == 0x7F;
        if (control && !text.starts_with("\r\n"))
            throw toml_error(line, fmt::format("the control character {:#04x} is not allowed", c));
        line += c == '\n';
        text.remove_prefix(length);
    }
}

/// 10, -1_000, 0xFF, 0o17, 0b11; nothing where it is something else, or has more than 63 bits.
std::optional<std::int64_t> whole_number(std::string_view word)
{
    const int base = word.starts_with("0x") ? 16 : word.starts_with("0o") ? 8 : word.starts_with("0b") ? 2 : 10;
    const bool has_sign = word.starts_with('-') || word.starts_with('+');
    std::string digits = word.starts_with('-') ? "-" : "";
    word.remove_prefix(base != 10 ? 2 : has_sign ? 1 : 0);
    const bool leading_zero = base == 10 && word.size() > 1 && word.starts_with('0');
    const bool starts_well = !word.empty() && (is_digit(word.front()) || is_letter(word.front()));
    if (!starts_well || leading_zero || word.ends_with('_') || word.find("__") != word.npos)
        return std::nullopt;
    std::ranges::remove_copy(word, std::back_inserter(digits), '_');
    std::int64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, failure] = std::from_chars(digits.data(), end, value, base);
    return stop == end && failure == std::errc() ? std::optional(value) : std::nullopt;
}

class parser {
public:
    explicit parser(std::string_view text) : text_(text) {}

    std::vector<toml_entry> parse()
    {
        for (skip_to_content(); !text_.empty(); skip_to_content()) {
            if (text_.starts_with('['))
                read_header();
            else
                read_pair(table_, 0);
            end_line();
        }
        return std::move(entries_);
    }

private:
    [[noreturn]] void fail(const std::string& why) const { throw toml_error(line_, why); }

    [[noreturn]] void fail_expecting(std::string_view what) const
    {
        if (text_.empty() || text_.front() == '\n' || text_.front() == '\r')
            fail(fmt::format("expected {}, not the end of the line", what));
        fail(fmt::format("expected {}, not '{}'", what, text_.substr(0, character_length(text_))));
    }

    [[noreturn]] void fail_defined(const key_path& path) const
    {
        fail(fmt::format("{} cannot be defined here: it is there already, or part of what is", fmt::join(path, ".")));
    }

    bool skip(std::string_view wanted)
    {
        const bool there = text_.starts_with(wanted);
        if (there)
            text_.remove_prefix(wanted.size());
        return there;
    }

    void expect(std::string_view wanted)
    {
        if (!skip(wanted))
            fail_expecting(wanted);
    }

    bool skip_line_end()
    {
        const bool there = skip("\n") || skip("\r\n");
        line_ += there;
        return there;
    }

    void skip_blanks() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t"), text_.size())); }

    void skip_comment()
    {
        if (text_.starts_with('#'))
            text_.remove_prefix(std::min(text_.find('\n'), text_.size()));
    }

    /// Blanks, comments and ends of lines.
    void skip_to_content()
    {
        do {
            skip_blanks();
            skip_comment();
        } while (skip_line_end());
    }

    void end_line()
    {
        skip_blanks();
        skip_comment();
        if (!text_.empty() && !skip_line_end())
            fail_expecting("the end of the line");
    }

    void read_header()
    {
        const std::uint64_t line = line_;
        expect("[");
        const bool array = skip("[");
        table_ = read_key();
        expect(array ? "]]" : "]");
        if (!(array ? definitions_.add_array(table_) : definitions_.add_header(table_)))
            fail_defined(table_);
        entries_.push_back({table_, line, {}});
        if (array)
            entries_.back().value = toml_other();
    }

    void read_pair(const key_path& table, unsigned depth)
    {
        key_path path = table;
        for (std::string& part : read_key())
            path.push_back(std::move(part));
        if (!definitions_.add_value(path, table.size()))
            fail_defined(path);
        expect("=");
        skip_blanks();
        const std::size_t entry = entries_.size();
        entries_.push_back({path, line_, {}});
        if (text_.starts_with('{'))
            read_inline_table(path, depth + 1);
        else
            entries_[entry].value = read_value(depth);
    }

    /// With the blanks around it and its parts.
    key_path read_key()
    {
        key_path path;
        do {
            skip_blanks();
            check_depth(static_cast<unsigned>(path.size()));
            path.push_back(read_key_part());
            skip_blanks();
        } while (skip("."));
        return path;
    }

    std::string read_key_part()
    {
        if (skip("\""))
            return read_text();
        if (skip("'"))
            return read_literal();
        const std::string_view rest = text_;
        while (!text_.empty() && is_bare(text_.front()))
            text_.remove_prefix(1);
        if (text_.size() == rest.size())
            fail_expecting("a key");
        return std::string(rest.substr(0, rest.size() - text_.size()));
    }

    decltype(toml_entry::value) read_value(unsigned depth)
    {
        if (skip("\"\"\""))
            return read_long_text();
        if (skip("\""))
            return read_text();
        if (skip("'''"))
            return read_long_literal();
        if (skip("'"))
            return read_literal();
        if (text_.starts_with('[')) {
            read_array(depth + 1);
            return toml_other();
        }
        return read_word();
    }

    /// A number, a truth value, or what only looks like a value, such as `64K`.
    decltype(toml_entry::value) read_word()
    {
        const auto end = std::find_if_not(text_.begin(), text_.end(),
                                          [](char c) { return is_bare(c) || c == '+' || c == '.' || c == ':'; });
        const std::string_view word = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
        const bool other = !word.empty() && (is_digit(word[0]) || word[0] == '+' || word[0] == '-');
        if (!other && word != "true" && word != "false" && word != "inf" && word != "nan")
            fail_expecting("a value");
        text_.remove_prefix(word.size());
        if (word == "true" || word == "false")
            return word == "true";
        if (const auto number = whole_number(word))
            return *number;
        return toml_other();
    }

    void check_depth(unsigned depth) const
    {
        if (depth >= deepest)
            fail("this is nested too deeply");
    }

    void read_array(unsigned depth)
    {
        check_depth(depth);
        expect("[");
        skip_to_content();
        while (!skip("]")) {
            if (text_.starts_with('{'))
                read_inline_table_of_array(depth + 1);
            else
                read_value(depth);
            skip_to_content();
            if (!skip(",") && !text_.starts_with(']'))
                fail_expecting(", or ]");
            skip_to_content();
        }
    }

    void read_inline_table(const key_path& path, unsigned depth)
    {
        check_depth(depth);
        definitions_.open(path);
        expect("{");
        skip_blanks();
        if (!skip("}")) {
            do {
                read_pair(path, depth);
                skip_blanks();
            } while (skip(","));
            expect("}");
        }
        definitions_.close(path);
    }

    /// Is read for its form only, as all of the array.
    void read_inline_table_of_array(unsigned depth)
    {
        toml_definitions outer = std::exchange(definitions_, {});
        const std::size_t kept = entries_.size();
        read_inline_table({}, depth);
        entries_.resize(kept);
        definitions_ = std::move(outer);
    }

    std::string read_literal()
    {
        const std::size_t end = text_.find_first_of("'\n");
        if (end == text_.npos || text_[end] == '\n')
            fail("the text has no end");
        std::string value(text_.substr(0, end));
        text_.remove_prefix(end + 1);
        return value;
    }

    std::string read_text()
    {
        std::string value;
        while (!skip("\"")) {
            if (text_.empty() || text_.front() == '\n')
                fail("the text has no end");
            read_character(value);
        }
        return value;
    }

    std::string read_long_literal()
    {
        return read_to("'''", '\'', [this](std::string& value) { take_character(value); });
    }

    std::string read_long_text()
    {
        return read_to("\"\"\"", '"', [this](std::string& value) {
            if (!skip_line_continuation())
                read_character(value);
        });
    }

    /// The text of several lines that ends with `end`; one or two more quotes before that are part of it.
    template <class Read> std::string read_to(std::string_view end, char quote, Read read_one)
    {
        std::string value;
        skip_line_end(); // the first is not part of the text
        while (!skip(end)) {
            if (text_.empty())
                fail("the text has no end");
            read_one(value);
        }
        for (int more = 0; more < 2 && text_.starts_with(quote); ++more)
            take_character(value);
        return value;
    }

    void take_character(std::string& value)
    {
        line_ += text_.front() == '\n';
        value.push_back(text_.front());
        text_.remove_prefix(1);
    }

    /// A backslash at the end of a line: all blanks and ends of lines up to the next character do not count.
    bool skip_line_continuation()
    {
        if (!text_.starts_with('\\'))
            return false;
        const std::size_t next = text_.find_first_not_of(" \t", 1);
        if (next == text_.npos || (text_[next] != '\n' && text_[next] != '\r'))
            return false;
        text_.remove_prefix(next);
        do
            skip_blanks();
        while (skip_line_end());
        return true;
    }

    void read_character(std::string& value)
    {
        if (!skip("\\"))
            return take_character(value);
        constexpr std::string_view letters = "btnfr\"\\";
        constexpr std::string_view meanings = "\b\t\n\f\r\"\\";
        const std::size_t index = text_.empty() ? letters.npos : letters.find(text_.front());
        if (index != letters.npos) {
            value.push_back(meanings[index]);
            text_.remove_prefix(1);
        }
        else if (skip("u")) {
            append_utf8(value, read_code(4));
        }
        else if (skip("U")) {
            append_utf8(value, read_code(8));
        }
        else {
            fail_expecting("one of b t n f r u U \" \\ after the backslash");
        }
    }

    std::uint32_t read_code(std::size_t digits)
    {
        const std::string_view code = text_.substr(0, digits);
        std::uint32_t value = 0;
        const auto [end, failure] = std::from_chars(code.data(), code.data() + code.size(), value, 16);
        const bool whole = failure == std::errc() && end == code.data() + digits;
        if (!whole || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
            fail("this is no character: \\u takes four hexadecimal digits, \\U eight");
        text_.remove_prefix(digits);
        return value;
    }

    std::string_view text_; // what is left
    std::uint64_t line_ = 1;
    key_path table_; // of the last header
    toml_definitions definitions_;
    std::vector<toml_entry> entries_;
};

} // namespace

std::vector<toml_entry> parse_toml(std::string_view text)
{
    if (text.starts_with("\xEF\xBB\xBF"))
        text.remove_prefix(3);
    check_characters(text);
    return parser(text).parse();
}

} // namespace weir::detail
