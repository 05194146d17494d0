// weir check: are files still what a list of `weir ingest --json` says?
#include "arguments.hpp"
#include "command.hpp"
#include "json.hpp"
#include "options.hpp"
#include "session.hpp"
#include "verifier.hpp"

#include <weir/error.hpp>
#include <weir/size.hpp>
#include <weir/worker_pool.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <variant>

namespace tool {
namespace {

using namespace weir::literals;
using std::chrono_literals::operator""ms;

constexpr std::string_view examples =
    R"(Every chunk that LIST names is read and digested again, so that neither the chunker nor its sizes matter.

Examples:
  weir ingest --json photos > photos.list
  weir check photos.list                 photos/a.jpg: OK ...
  weir check --quiet photos.list         only what failed

Exit: 0 all files are as listed; 1 a file is not, cannot be read, or a line of LIST is wrong; 2 usage;
3 the output failed; 130 or 143 by a signal.
)";

/// One check of one list. The comparing runs on a worker, since it waits for files; what it says is said on the loop.
class check_run {
public:
    check_run(std::string list, const display_options& display)
        : list_(std::move(list)),
          quiet_(display.quiet),
          session_(quiet_ ? progress_mode::never : display.progress,
                   [this] {
                       return work_done{bytes_, files_, {}};
                   }),
          worker_({.threads = 1})
    {}

    int run()
    {
        session_.run(start(), [this](bool interrupted) { print_sums(interrupted); });
        return failed_ == 0 && wrong_lines_ == 0 && files_ != 0 ? all_read : input_failed;
    }

private:
    using clock = std::chrono::steady_clock;

    asio::awaitable<void> start()
    {
        auto strand = asio::make_strand(worker_.executor());
        auto work = compare_all();
        co_await asio::co_spawn(strand, std::move(work), asio::use_awaitable);
    }

    asio::awaitable<void> compare_all()
    {
        path_list lines(list_, '\n');
        while (const std::optional<std::string> line = lines.next()) {
            ++line_number_;
            take(*line);
            if (said_.size() + complaints_.size() >= 16_KiB || clock::now() >= next_hop_)
                co_await hand_over();
        }
        for (const verdict& result : compare_.rest())
            say_verdict(result);
        co_await hand_over();
    }

    void take(const std::string& line)
    {
        try {
            const listed entry = parse_listed(line);
            std::visit([this](const auto& typed) { take(typed); }, entry);
        }
        catch (const weir::error& failure) {
            if (failure.code() != weir::errc::bad_format)
                throw;
            ++wrong_lines_;
            complain(fmt::format("{}:{}: {}", list_, line_number_, failure.what()));
        }
    }

    void take(const listed_chunk& line)
    {
        compare_.chunk(line);
        bytes_ += line.length;
    }

    void take(const listed_file& line) { say_verdict(compare_.file(line)); }

    void take(const listed_error& line)
    {
        compare_.forget(line.path);
        complain(fmt::format("{}: could not be read when the list was made", line.path));
    }

    void take(const listed_summary& line)
    {
        if (line.interrupted)
            complain(fmt::format("{}: was interrupted, and may lack files", list_));
    }

    void say_verdict(const verdict& result)
    {
        ++files_;
        failed_ += result.failure.empty() ? 0 : 1;
        if (result.failure.empty() && quiet_)
            return;
        append_printable(said_, result.path);
        said_ += result.failure.empty() ? ": OK" : fmt::format(": FAILED ({})", result.failure);
        said_ += '\n';
    }

    void complain(std::string_view text) { complaints_.append(text).append(1, '\n'); }

    /// Lets the loop print what there is to say, and gives a cancellation the chance to arrive.
    asio::awaitable<void> hand_over()
    {
        auto printing = print(std::exchange(said_, {}), std::exchange(complaints_, {}));
        co_await asio::co_spawn(session_.context(), std::move(printing), asio::use_awaitable);
        next_hop_ = clock::now() + 10ms;
    }

    asio::awaitable<void> print(std::string said, std::string complaints)
    {
        for (std::string_view rest = complaints; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1))
            session_.progress().say(rest.substr(0, rest.find('\n')));
        session_.out().lines() += said;
        session_.out().appended();
        co_await session_.out().room();
    }

    void print_sums(bool interrupted)
    {
        const std::uint64_t files = files_;
        if (files == 0 && !interrupted)
            session_.progress().say(fmt::format("{}: lists no file", list_));
        if (wrong_lines_ != 0)
            session_.progress().say(fmt::format("{}: {} lines are wrong", list_, wrong_lines_));
        if (quiet_)
            return;
        session_.out().lines() += fmt::format("{}{} files, {}: {} OK, {} FAILED\n", interrupted ? "interrupted: " : "",
                                              files, weir::format_size(bytes_), files - failed_, failed_);
        session_.out().appended();
    }

    std::string list_;
    bool quiet_;
    session session_; // holds the loop: before the worker, which completes on it
    weir::worker_pool worker_;

    // The worker's, and the loop's once the work has ended.
    verifier compare_;
    std::string said_;
    std::string complaints_;
    clock::time_point next_hop_ = clock::now() + 10ms;
    std::uint64_t line_number_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t wrong_lines_ = 0;

    // Both look at these.
    std::atomic<std::uint64_t> bytes_ = 0;
    std::atomic<std::uint64_t> files_ = 0;
};

} // namespace

int run_check(int argc, char** argv)
{
    display_options display;
    command_line line("check", "compare files with what `ingest --json` said of them", "LIST | -",
                      std::string(examples));
    line.begin_group("Output");
    line.add({"quiet", "", "only what failed", [&](std::string_view) { display.quiet = true; }});
    add_progress_option(line, display);
    const auto lists = line.parse(argc, argv);
    if (!lists)
        return all_read;
    if (lists->size() != 1)
        throw usage_error("check needs one LIST, or - for standard input; see `weir check --help`");
    return check_run(lists->front(), display).run();
}

} // namespace tool
