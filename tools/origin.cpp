// weir origin: a server that plays a script, to try clients on.
#include "command.hpp"
#include "command_line.hpp"
#include "json.hpp"
#include "session.hpp"

#include <weir/error.hpp>
#include <weir/size.hpp>
#include <weir/testing/origin.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

namespace tool {
namespace {

using namespace weir::literals;
using weir::testing::received_request;
using weir::testing::script;

constexpr std::string_view origin_examples =
    R"(SCRIPT is a text file; docs/scripted-origin.md and weir(1) explain its statements. It is not a file server: it sends
what the script says, to try out what a client does.

Examples:
  printf 'object disk 1GiB\non /disk.img\n serve disk\n reset at body 5MiB\n' | weir origin -
  weir origin --listen 127.0.0.1:8080 flaky.script

Exit: 1 the script cannot be read, or its address not be listened on; 2 usage, or the script is wrong; 3 the output
failed; 130 or 143 by a signal, which is how it ends.
)";

constexpr std::size_t longest_script = 16_MiB;

std::string read_all(std::istream& from, const std::string& name)
{
    std::string text(longest_script + 1, '\0');
    from.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (from.bad())
        weir::throw_system_error(EIO, "read", name);
    text.resize(static_cast<std::size_t>(from.gcount()));
    if (text.size() > longest_script)
        throw usage_error(fmt::format("{} is above {}", name, weir::format_size(longest_script)));
    return text;
}

script read_script(const std::string& path)
{
    try {
        if (path == "-")
            return script::parse(read_all(std::cin, "standard input"), "standard input");
        errno = 0;
        std::ifstream file(path, std::ios::binary);
        if (!file)
            weir::throw_system_error(errno != 0 ? errno : EIO, "open", path);
        return script::parse(read_all(file, path), path);
    }
    catch (const weir::testing::script_error& wrong) {
        throw usage_error(wrong.what());
    }
}

/// One line: which request on which connection, and what became of it.
std::string line_of(const received_request& request)
{
    std::string line = fmt::format("{}.{} ", request.connection, request.number);
    append_printable(line, request.method + ' ' + request.target);
    line += request.rule ? fmt::format(": line {}", request.rule_line) : ": no rule";
    line += fmt::format(", {} bytes sent", request.answer_bytes);
    if (request.body_bytes != 0)
        line += fmt::format(", {} bytes received", request.body_bytes);
    return line + (request.answered ? "\n" : ", broken off\n");
}

/// The origin beside the loop that prints what it tells.
class origin_run {
public:
    explicit origin_run(bool quiet) : quiet_(quiet) {}

    int run(script played)
    {
        weir::testing::origin_options options;
        options.kept_requests = 1;
        options.kept_body_bytes = 0;
        if (!quiet_)
            options.on_finished = [this](const received_request& request) { print(line_of(request)); };
        origin_.emplace(std::move(played), std::move(options));
        const std::string where = origin_->port() != 0 ? origin_->url("") : "unix:" + origin_->host();
        print("listening on " + where + '\n');
        // The process ends before its objects do: the socket goes here.
        session_.run(wait_for_ever(), [this](bool) { origin_.reset(); });
        return all_read;
    }

private:
    void print(std::string line)
    {
        boost::asio::post(session_.context(), [this, line = std::move(line)] {
            session_.out().lines() += line;
            session_.out().appended();
        });
    }

    asio::awaitable<void> wait_for_ever()
    {
        asio::steady_timer never(session_.context(), std::chrono::steady_clock::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
    }

    bool quiet_;
    session session_{progress_mode::never, [] { return work_done{}; }};
    std::optional<weir::testing::origin> origin_; // tells the session: goes first
};

} // namespace

int run_origin(int argc, char** argv)
{
    std::optional<std::string> address;
    bool quiet = false;
    command_line line("origin", "serve HTTP as a script says, faults and all, to try clients on", "SCRIPT | -",
                      std::string(origin_examples));
    line.begin_group("Options");
    line.add({"listen", "ADDRESS", "HOST:PORT or unix:PATH, whatever the script says (default: 127.0.0.1, any port)",
              [&](std::string_view value) { address = value; }});
    line.add({"quiet", "", "no line for each request", [&](std::string_view) { quiet = true; }});
    const auto scripts = line.parse(argc, argv);
    if (!scripts)
        return all_read;
    if (scripts->size() != 1 || scripts->front().empty())
        throw usage_error("origin needs one SCRIPT, or - for standard input; see `weir origin --help`");
    script played = read_script(scripts->front());
    if (address)
        played.listen(*address);
    return origin_run(quiet).run(std::move(played));
}

} // namespace tool
