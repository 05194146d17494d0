#include "structured.hpp"

#include "grammar.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace weir::http {
namespace {

int base64_value(char c) noexcept
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (grammar::is_lower(c))
        return c - 'a' + 26;
    if (grammar::is_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool is_key_character(char c) noexcept
{
    return grammar::is_lower(c) || grammar::is_digit(c) || grammar::is_one_of(c, "_-.*");
}

bool is_printable(char c) noexcept { return !grammar::is_control(c) && grammar::is_ascii(c); }

/// Takes items off a text. Functions return false, or nothing, where the text is not valid; what is left is then
/// of no meaning.
class item_reader {
public:
    explicit item_reader(std::string_view text) noexcept : rest_(text) {}

    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

    bool take(char c) noexcept
    {
        if (!next_is(c))
            return false;
        rest_.remove_prefix(1);
        return true;
    }

    void skip_blanks() noexcept { rest_ = rest_.substr(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

    /// RFC 9651, section 4.2.3.3
    std::optional<std::string_view> key() noexcept
    {
        if (rest_.empty() || !(grammar::is_lower(rest_.front()) || rest_.front() == '*'))
            return std::nullopt;
        return take_while(is_key_character);
    }

    /// The value of a member: an item or an inner list, with parameters. RFC 9651, section 4.2.1.1
    bool member_value(std::optional<std::vector<std::byte>>& bytes)
    {
        if (next_is('('))
            return inner_list() && parameters();
        return bare_item(bytes) && parameters();
    }

    /// RFC 9651, section 4.2.3.2
    bool parameters()
    {
        while (take(';')) {
            skip_spaces();
            if (!key())
                return false;
            std::optional<std::vector<std::byte>> ignored;
            if (take('=') && !bare_item(ignored))
                return false;
        }
        return true;
    }

private:
    [[nodiscard]] bool next_is(char c) const noexcept { return !rest_.empty() && rest_.front() == c; }

    void skip_spaces() noexcept { rest_ = rest_.substr(std::min(rest_.find_first_not_of(' '), rest_.size())); }

    std::string_view take_while(bool (*holds)(char)) noexcept
    {
        const auto end = std::ranges::find_if_not(rest_, holds);
        const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
        rest_.remove_prefix(taken.size());
        return taken;
    }

    /// RFC 9651, section 4.2.1.2
    bool inner_list()
    {
        take('(');
        for (;;) {
            skip_spaces();
            if (take(')'))
                return true;
            std::optional<std::vector<std::byte>> ignored;
            if (!bare_item(ignored) || !parameters())
                return false;
            if (!next_is(' ') && !next_is(')'))
                return false;
        }
    }

    /// RFC 9651, section 4.2.3.1
    bool bare_item(std::optional<std::vector<std::byte>>& bytes)
    {
        if (rest_.empty())
            return false;
        const char first = rest_.front();
        if (first == ':')
            return byte_sequence(bytes);
        if (first == '"')
            return string();
        if (first == '?')
            return boolean();
        if (first == '@')
            return take('@') && number(false);
        if (first == '%')
            return display_string();
        if (first == '-' || grammar::is_digit(first))
            return number(true);
        return token();
    }

    bool byte_sequence(std::optional<std::vector<std::byte>>& bytes)
    {
        take(':');
        const std::size_t end = rest_.find(':');
        if (end == std::string_view::npos)
            return false;
        bytes = decode_base64(rest_.substr(0, end));
        rest_.remove_prefix(end + 1);
        return bytes.has_value();
    }

    bool string() noexcept
    {
        take('"');
        while (!rest_.empty() && is_printable(rest_.front())) {
            if (take('"'))
                return true;
            const bool escaped = take('\\');
            if (escaped && !next_is('"') && !next_is('\\'))
                return false;
            rest_.remove_prefix(1);
        }
        return false;
    }

    bool boolean() noexcept
    {
        take('?');
        return take('0') || take('1');
    }

    /// An integer of at most 15 digits, or a decimal of at most 12 and 3. RFC 9651, section 4.2.4
    bool number(bool may_be_decimal) noexcept
    {
        take('-');
        const std::size_t whole = take_while(grammar::is_digit).size();
        if (whole == 0 || whole > 15)
            return false;
        if (!may_be_decimal || !take('.'))
            return true;
        const std::size_t fraction = take_while(grammar::is_digit).size();
        return whole <= 12 && fraction >= 1 && fraction <= 3;
    }

    bool token() noexcept
    {
        if (!grammar::is_alpha(rest_.front()) && rest_.front() != '*')
            return false;
        take_while([](char c) { return grammar::is_token_character(c) || c == ':' || c == '/'; });
        return true;
    }

    /// RFC 9651, section 4.2.10; that its bytes are UTF-8 does not matter to one who skips it.
    bool display_string() noexcept
    {
        if (!take('%') || !take('"'))
            return false;
        while (!rest_.empty() && is_printable(rest_.front())) {
            if (take('"'))
                return true;
            const bool encoded = take('%');
            for (int digits = encoded ? 2 : 1; digits > 0; --digits) {
                if (rest_.empty() || (encoded && !is_lower_hex(rest_.front())))
                    return false;
                rest_.remove_prefix(1);
            }
        }
        return false;
    }

    static bool is_lower_hex(char c) noexcept { return grammar::is_digit(c) || (c >= 'a' && c <= 'f'); }

    std::string_view rest_;
};

void put(std::vector<dictionary_member>& members, dictionary_member member)
{
    const auto found = std::ranges::find(members, member.key, &dictionary_member::key);
    if (found == members.end())
        members.push_back(std::move(member));
    else
        *found = std::move(member);
}

} // namespace

std::optional<std::vector<dictionary_member>> parse_dictionary(std::string_view text)
{
    std::vector<dictionary_member> members;
    item_reader reader(grammar::trim(text));
    while (!reader.empty()) {
        const auto key = reader.key();
        if (!key)
            return std::nullopt;
        dictionary_member member{*key, std::nullopt};
        const bool good = reader.take('=') ? reader.member_value(member.bytes) : reader.parameters();
        if (!good)
            return std::nullopt;
        put(members, std::move(member));
        reader.skip_blanks();
        if (reader.empty())
            break;
        if (!reader.take(','))
            return std::nullopt;
        reader.skip_blanks();
        if (reader.empty())
            return std::nullopt; // a comma with nothing behind it
    }
    return members;
}

std::optional<std::vector<std::byte>> decode_base64(std::string_view text)
{
    const bool padded = text.ends_with('=');
    if (padded && text.size() % 4 != 0)
        return std::nullopt;
    for (int most = 2; most > 0 && text.ends_with('='); --most)
        text.remove_suffix(1);
    if (text.size() % 4 == 1)
        return std::nullopt;
    std::vector<std::byte> out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        const int value = base64_value(c);
        if (value < 0)
            return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out.push_back(static_cast<std::byte>(bits >> count));
        }
    }
    return out;
}

std::string encode_base64(std::span<const std::byte> bytes)
{
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0'); // OpenSSL ends it with a zero
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                    reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.pop_back();
    return text;
}

} // namespace weir::http
