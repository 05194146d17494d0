#include "script_reader.hpp"

#include "script_data.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace weir::testing::detail {
namespace {

using mistake = line_reader::mistake;

std::pair<std::uint64_t, std::uint64_t> read_range(line_reader& words)
{
    const std::string text = words.next("a number").text;
    const std::size_t dots = text.find("..");
    line_reader first(std::string_view(text).substr(0, dots));
    const std::uint64_t from = first.number("a number, or a range as 2..4 or 2..,");
    if (dots == std::string::npos)
        return {from, from};
    line_reader last(std::string_view(text).substr(dots + 2));
    return {from, last.at_end() ? rule::no_end : last.number("the end of a range")};
}

/// \returns  nothing if the statement is a step of its own
std::optional<position> read_position(line_reader& words)
{
    if (!words.skip("at"))
        return std::nullopt;
    if (words.skip("body"))
        return at_body(words.size("the place in the body"));
    if (words.skip("object"))
        return at_object(words.size("the offset in the object"));
    return at_byte(words.size("the place"));
}

std::pair<std::string, std::string> read_field(line_reader& words)
{
    const std::string_view text = words.raw();
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0)
        throw mistake{"a field is written as Name: value"};
    std::string_view value = text.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    return {std::string(text.substr(0, colon)), std::string(value)};
}

unsigned read_status(line_reader& words)
{
    return static_cast<unsigned>(std::min<std::uint64_t>(words.number("the status"), 1000));
}

rule::duration read_pause(line_reader& words)
{
    return words.skip("pause") ? words.time("the pause") : rule::duration::zero();
}

void read_split(line_reader& words, rule& to)
{
    if (words.skip("every")) {
        const std::uint64_t bytes = words.size("the size of a piece");
        to.split_every(bytes, read_pause(words));
        return;
    }
    words.expect("at");
    std::vector<std::uint64_t> offsets;
    rule::duration pause{};
    while (!words.at_end()) {
        if (words.skip("pause")) {
            pause = words.time("the pause");
            break;
        }
        offsets.push_back(words.size("an offset"));
    }
    to.split_at(std::move(offsets), pause);
}

void read_stall(line_reader& words, rule& to)
{
    std::optional<rule::duration> time;
    auto where = read_position(words);
    if (!where && !words.at_end()) {
        time = words.time("the time");
        where = read_position(words);
    }
    where ? to.stall(*where, time) : to.stall(time);
}

void read_hold(line_reader& words, rule& to)
{
    const std::string name = words.next("a name").text;
    const auto where = read_position(words);
    where ? to.hold(*where, name) : to.hold(name);
}

void read_data(line_reader& words, rule& to)
{
    const std::uint64_t size = words.size("the size");
    const std::uint64_t seed = words.skip("seed") ? words.number("the seed") : 1;
    to.data(size, seed, words.skip("from") ? words.size("the offset") : 0);
}

void read_becomes(line_reader& words, rule& to)
{
    const std::string name = words.next("an object").text;
    words.expect("at");
    to.becomes(name, words.size("the offset"));
}

void read_pace(line_reader& words, rule& to)
{
    const std::uint64_t bytes = words.size("the number of bytes");
    words.expect("per");
    to.pace(bytes, words.time("the time"));
}

void read_repeat(line_reader& words, rule& to)
{
    std::uint64_t times = 0;
    if (!words.skip("forever") && (times = words.number("how often, a number or forever,")) == 0)
        throw mistake{"what is repeated 0 times can be left out"};
    to.repeat(times, words.text());
}

void read_with(line_reader& words, rule& to)
{
    const std::string field = words.next("a field").text;
    if (field.find(':') == std::string::npos) {
        to.with(field);
        return;
    }
    line_reader parts(field);
    const auto [name, value] = read_field(parts);
    to.with(name, value);
}

struct rule_statement {
    std::string_view name;
    void (*read)(line_reader&, rule&);
};

constexpr std::array rule_statements = {
    rule_statement{"answer",
                   [](line_reader& words, rule& to) {
                       const unsigned status = read_status(words);
                       to.answer(status, words.raw());
                   }},
    rule_statement{"becomes", &read_becomes},
    rule_statement{"body", [](line_reader& words, rule& to) { to.body(words.text()); }},
    rule_statement{"chunked",
                   [](line_reader& words, rule& to) {
                       words.at_end() ? to.chunked() : to.chunked(words.size("the size of a chunk"));
                   }},
    rule_statement{"close",
                   [](line_reader& words, rule& to) {
                       const auto where = read_position(words);
                       where ? to.close(*where) : to.close();
                   }},
    rule_statement{"cut-off",
                   [](line_reader& words, rule& to) {
                       const auto where = read_position(words);
                       where ? to.cut_off(*where) : to.cut_off();
                   }},
    rule_statement{"data", &read_data},
    rule_statement{"early", [](line_reader&, rule& to) { to.early(); }},
    rule_statement{"half-close",
                   [](line_reader& words, rule& to) {
                       const auto where = read_position(words);
                       where ? to.half_close(*where) : to.half_close();
                   }},
    rule_statement{"header",
                   [](line_reader& words, rule& to) {
                       const auto [name, value] = read_field(words);
                       to.header(name, value);
                   }},
    rule_statement{"hold", &read_hold},
    rule_statement{"no-header", [](line_reader& words, rule& to) { to.no_header(words.next("a name").text); }},
    rule_statement{"no-ranges", [](line_reader&, rule& to) { to.no_ranges(); }},
    rule_statement{"pace", &read_pace},
    rule_statement{"receive",
                   [](line_reader& words, rule& to) {
                       words.at_end() ? to.receive() : to.receive(words.size("the number of bytes"));
                   }},
    rule_statement{"redirect",
                   [](line_reader& words, rule& to) {
                       const unsigned status = read_status(words);
                       to.redirect(status, words.next("the location").text);
                   }},
    rule_statement{"repeat", &read_repeat},
    rule_statement{"reset",
                   [](line_reader& words, rule& to) {
                       const auto where = read_position(words);
                       where ? to.reset(*where) : to.reset();
                   }},
    rule_statement{"round-trip", [](line_reader& words, rule& to) { to.round_trip(words.time("the time")); }},
    rule_statement{"send", [](line_reader& words, rule& to) { to.send(words.text()); }},
    rule_statement{"serve", [](line_reader& words, rule& to) { to.serve(words.next("an object").text); }},
    rule_statement{"split", &read_split},
    rule_statement{"stall", &read_stall},
    rule_statement{"status",
                   [](line_reader& words, rule& to) {
                       const unsigned status = read_status(words);
                       to.status(status, words.raw());
                   }},
    rule_statement{"trailer",
                   [](line_reader& words, rule& to) {
                       const auto [name, value] = read_field(words);
                       to.trailer(name, value);
                   }},
    rule_statement{"tunnel",
                   [](line_reader& words, rule& to) {
                       words.at_end() ? to.tunnel() : to.tunnel(words.next("host and port").text);
                   }},
    rule_statement{"until-close", [](line_reader&, rule& to) { to.until_close(); }},
};

/// Whether the first word of an `on` is a method, and no pattern.
bool is_method(std::string_view word)
{
    return std::ranges::all_of(word, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
}

} // namespace

script_reader::script_reader(std::string_view name) { script_.data_->name = name; }

script script_reader::read(std::string_view text)
{
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        ++script_.data_->line;
        try {
            read_line(text.substr(0, end));
        }
        catch (const mistake& wrong) {
            throw script_error(errc::bad_format, script_.data_->name, script_.data_->line, wrong.why);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    script_.data_->line = 0;
    return std::move(script_);
}

void script_reader::read_line(std::string_view line)
{
    line_reader words(line);
    if (words.at_end() || words.at('#'))
        return;
    const std::string name = words.next("a statement").text;
    if (name == "on")
        read_on(words);
    else if (name == "accept")
        read_accept(words);
    else if (name == "object")
        read_object(words);
    else if (name == "listen")
        script_.listen(words.next("an address").text);
    else if (name == "tls") {
        const std::string certificate = words.next("the file of a certificate").text;
        script_.tls(certificate, words.next("the file of its key").text);
    }
    else {
        const auto* const found = std::ranges::find(rule_statements, name, &rule_statement::name);
        if (found == rule_statements.end())
            throw mistake{"no statement is called '" + name + "'"};
        if (!rule_)
            throw mistake{"'" + name + "' belongs below an on or accept"};
        found->read(words, *rule_);
    }
    if (!words.at_end())
        throw mistake{"too many words, from '" + words.next("a word").text + "' on"};
}

void script_reader::read_object(line_reader& words)
{
    const std::string name = words.next("a name").text;
    if (words.at('"')) {
        script_.object(name, words.text());
        return;
    }
    const std::uint64_t size = words.size("the size, or a content in quotes,");
    script_.object(name, size, words.skip("seed") ? words.number("the seed") : 1);
}

void script_reader::read_on(line_reader& words)
{
    const std::string first = words.next("a pattern").text;
    if (is_method(first))
        rule_ = script_.on(first, words.next("a pattern").text);
    else
        rule_ = script_.on(first);
    read_conditions(words);
}

void script_reader::read_accept(line_reader& words)
{
    rule_ = script_.accept();
    read_conditions(words);
}

void script_reader::read_conditions(line_reader& words)
{
    while (!words.at_end()) {
        if (words.skip("request")) {
            const auto [first, last] = read_range(words);
            rule_->requests(first, last);
        }
        else if (words.skip("connection")) {
            const auto [first, last] = read_range(words);
            rule_->connections(first, last);
        }
        else if (words.skip("without"))
            rule_->without(words.next("the name of a field").text);
        else if (words.skip("with"))
            read_with(words, *rule_);
        else
            throw mistake{"'" + std::string(words.peek()) + "' is no condition: request, connection, with, without"};
    }
}

} // namespace weir::testing::detail

namespace weir::testing {

script script::parse(std::string_view text, std::string_view name) { return detail::script_reader(name).read(text); }

} // namespace weir::testing
