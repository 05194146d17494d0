// weir ls: what is in archives, entry by entry.
#include "archive_options.hpp"
#include "command.hpp"
#include "decoder_options.hpp"
#include "http_options.hpp"
#include "json.hpp"
#include "options.hpp"
#include "session.hpp"

#include <weir/archive.hpp>
#include <weir/as_result.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>
#include <weir/size.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>

namespace tool {
namespace {

using namespace weir::literals;

constexpr std::string_view ls_examples = R"(Examples:
  weir ls backup.tar.zst                 mode, size, time (UTC) and name of each entry
  weir ls --json https://host/a.zip      as JSON Lines, with what is only known of each format
  weir cat backup.tar.zst etc/hosts      the content of one

Nothing is written or followed: names and links are shown as they are, and what would be refused is shown as such.

Exit: 0 the archives are whole, as far as their lists tell; 1 one is not, and the rest was listed; 2 usage;
3 the output failed; 130 or 143 by a signal.
)";

struct ls_arguments {
    std::vector<std::string> names;
    weir::archive_options archive;
    bool json = false;
};

using time_point = std::chrono::sys_time<std::chrono::nanoseconds>;

/// \param between  the day and the time
std::string text_of(time_point when, char between)
{
    const auto day = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(when - day));
    return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), between,
                       time.hours().count(), time.minutes().count(), time.seconds().count());
}

/// \see RFC 3339
std::string full_text_of(time_point when)
{
    std::string text = text_of(when, 'T');
    if (const auto rest = (when - std::chrono::floor<std::chrono::seconds>(when)).count(); rest != 0)
        text += fmt::format(".{:09}", rest);
    return text + "Z";
}

char letter_of(weir::archive_entry_type type)
{
    constexpr std::string_view letters = "-dlh?";
    return letters[static_cast<std::size_t>(type)];
}

std::string_view name_of(weir::archive_entry_type type)
{
    constexpr std::array<std::string_view, 5> names = {"file", "directory", "symbolic_link", "hard_link", "other"};
    return names[static_cast<std::size_t>(type)];
}

std::string permissions_of(const weir::archive_entry& entry)
{
    if (!entry.mode)
        return "?????????";
    std::string text = "rwxrwxrwx";
    for (std::size_t i = 0; i != text.size(); ++i)
        if ((*entry.mode & (0400u >> i)) == 0)
            text[i] = '-';
    constexpr std::array special = {std::tuple(04000u, 2, 's'), std::tuple(02000u, 5, 's'), std::tuple(01000u, 8, 't')};
    for (const auto& [bit, place, letter] : special)
        if ((*entry.mode & bit) != 0)
            text[static_cast<std::size_t>(place)] = text[static_cast<std::size_t>(place)] == 'x' ? letter : static_cast<char>(letter - 'a' + 'A');
    return text;
}

/// As `tar tv` has it.
void print_entry(std::string& out, const weir::archive_entry& entry)
{
    fmt::format_to(std::back_inserter(out), "{}{} {:>12} {:>19} ", letter_of(entry.type), permissions_of(entry),
                   entry.size ? std::to_string(*entry.size) : "?", entry.modified ? text_of(*entry.modified, ' ') : "?");
    append_printable(out, entry.name);
    if (!entry.link_target.empty()) {
        out += entry.type == weir::archive_entry_type::hard_link ? " link to " : " -> ";
        append_printable(out, entry.link_target);
    }
    if (entry.refusal) {
        out += "  [";
        append_printable(out, weir::code_of(entry.refusal).message());
        out += ']';
    }
    out += '\n';
}

void print_json(std::string& out, std::string_view archive, const weir::archive_entry& entry)
{
    json_line line(out, "entry");
    line.path("archive", archive).path("name", entry.name).text("kind", name_of(entry.type));
    if (entry.size)
        line.number("size", *entry.size);
    if (entry.stored_bytes != 0)
        line.number("stored", entry.stored_bytes);
    line.text("method", entry.method);
    if (entry.mode)
        line.text("mode", fmt::format("{:04o}", *entry.mode));
    if (entry.modified)
        line.text("modified", full_text_of(*entry.modified));
    if (!entry.link_target.empty())
        line.path("target", entry.link_target);
    line.number("offset", entry.offset);
    if (entry.refusal)
        line.text("error", weir::message_of(entry.refusal)).text("code", weir::code_name(weir::code_of(entry.refusal)));
    line.end();
}

class ls_run {
public:
    ls_run(const ls_arguments& arguments, const http_settings& web)
        : arguments_(arguments), session_(progress_mode::never, [] { return work_done(); }),
          engine_(session_.context().get_executor(),
                  {.memory_bytes = 8_MiB, .block_bytes = 256_KiB, .workers = {.threads = 1}}),
          web_(session_.context().get_executor(), web, 1, session_.notices(false))
    {}

    int run()
    {
        session_.run(list_all(), [](bool) {});
        return failed_ ? input_failed : all_read;
    }

private:
    asio::awaitable<void> list_all()
    {
        const std::unique_ptr<http_opener, http_opener::closer> at_the_end(&web_);
        for (const std::string& name : arguments_.names) {
            const weir::result<void> listed = co_await weir::as_result(list(name));
            if (!listed && weir::code_of(listed.exception()) == weir::condition::cancelled)
                listed.value();
            if (!listed)
                fail(name, listed.exception());
            co_await session_.room();
        }
    }

    asio::awaitable<void> list(std::string name)
    {
        const std::string shown = shown_name(name);
        input_end end;
        std::unique_ptr<weir::archive> opened = co_await open_archive(engine_, web_, name, arguments_.archive, end);
        if (!arguments_.json && arguments_.names.size() > 1) {
            append_printable(session_.out().lines(), shown);
            session_.out().lines() += ":\n";
        }
        for (;;) {
            std::optional<weir::archive_entry> entry = co_await opened->next();
            if (!entry)
                break;
            if (arguments_.json)
                print_json(session_.out().lines(), shown, *entry);
            else
                print_entry(session_.out().lines(), *entry);
            session_.out().appended();
            co_await session_.out().room();
        }
        co_await opened->close();
        if (end.is_doubtful(*opened))
            session_.progress().say(doubt_of(name));
    }

    void fail(const std::string& name, const std::exception_ptr& why)
    {
        failed_ = true;
        if (arguments_.json) {
            append_error_line(session_.out().lines(), shown_name(name), weir::code_of(why), weir::message_of(why));
            session_.out().appended();
        }
        else {
            session_.progress().say(weir::message_of(why));
        }
    }

    const ls_arguments& arguments_;
    session session_; // holds the loop: before all that runs on it
    weir::engine engine_;
    http_opener web_;
    bool failed_ = false;
};

} // namespace

int run_ls(int argc, char** argv)
{
    ls_arguments arguments;
    command_line line("ls", "list what is in archives: tar, zip, compressed or not", "FILE... | URL... | -",
                      std::string(ls_examples));
    http_options web(line);
    line.begin_group("Output");
    line.add({"json", "", "JSON Lines", [&](std::string_view) { arguments.json = true; }});
    add_dictionary(line, arguments.archive.decoder.dictionary);
    add_archive_limits(line, arguments.archive.limits);
    add_decoder_limits(line, arguments.archive.decoder, "for an archive that is compressed as a whole (default 16G)");
    auto names = line.parse(argc, argv);
    if (!names)
        return all_read;
    arguments.names = std::move(*names);
    if (arguments.names.empty() || std::ranges::count(arguments.names, "") != 0)
        throw usage_error("ls needs an archive: a FILE, a URL, or - for standard input; see `weir ls --help`");
    if (std::ranges::count(arguments.names, "-") > 1)
        throw usage_error("standard input can be read once: - is given more often");
    const http_settings settings = web.resolve(arguments.names, false);
    refuse_parts(settings, "ls");
    warn_of_insecurity(settings);
    return ls_run(arguments, settings).run();
}

} // namespace tool
