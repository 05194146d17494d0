// weir check: are files still what a list of `weir ingest --json` says?
#include "arguments.hpp"
#include "command.hpp"
#include "json.hpp"
#include "options.hpp"
#include "session.hpp"
#include "verifier.hpp"

#include <weir/detail/run_on.hpp>
#include <weir/error.hpp>
#include <weir/size.hpp>
#include <weir/worker_pool.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <memory>
#include <variant>

namespace tool {
namespace {

using namespace weir::literals;
using std::chrono_literals::operator""ms;

constexpr std::string_view check_examples =
    R"(Every chunk that LIST names is read and digested again, so that neither the chunker nor its sizes matter.

Examples:
  weir ingest --json photos > photos.list
  weir check photos.list                 photos/a.jpg: OK ...
  weir check --quiet photos.list         only what failed

Files are compared: URLs, entries of archives and content that was decompressed fail.

Exit: 0 all files are as listed; 1 a file is not, cannot be read, or a line of LIST is wrong; 2 usage;
3 the output failed; 130 or 143 by a signal.
)";

constexpr std::size_t longest_line = 1_MiB;

/// One check of one list. Reading the list and the verdicts, in its order, are a coroutine on a strand of the workers;
/// batches of chunks are read and digested by all of them. What there is to say is said on the loop.
class check_run {
public:
    check_run(std::string list, const display_options& display)
        : list_(std::move(list)),
          quiet_(display.quiet),
          session_(quiet_ ? progress_mode::never : display.progress,
                   [this] {
                       return work_done{bytes_, files_, {}};
                   })
    {}

    int run()
    {
        session_.run(start(), [this](bool interrupted) { print_sums(interrupted); });
        return failed_ == 0 && wrong_lines_ == 0 && files_ != 0 && has_summary_ ? all_read : input_failed;
    }

private:
    using clock = std::chrono::steady_clock;

    asio::awaitable<void> start()
    {
        co_await weir::detail::run_on(workers_.executor(), compare_all());
    }

    asio::awaitable<void> compare_all()
    {
        path_list lines(list_, '\n', longest_line);
        while (const std::optional<std::string> line = lines.next()) {
            line_number_ = lines.line();
            if (take(*line))
                co_await start_batch();
            if (said_.size() + complaints_.size() >= 16_KiB || clock::now() >= next_hop_)
                co_await hand_over();
        }
        co_await start_batch();
        while (!running_.empty())
            co_await finish_batch();
        for (const verdict& result : compare_.rest())
            say_verdict(result);
        co_await hand_over();
    }

    /// A batch that a worker is at.
    struct running_batch {
        std::shared_ptr<check_batch> lines;
        bool done = false; // said on the strand
        std::exception_ptr failure;
    };

    /// Gives what was added to the workers. One batch more than they are waits for a free one.
    asio::awaitable<void> start_batch()
    {
        while (running_.size() > workers_.size())
            co_await finish_batch();
        auto lines = compare_.next_batch();
        if (!lines)
            co_return;
        const auto strand = co_await asio::this_coro::executor;
        if (!batch_done_)
            batch_done_ = std::make_shared<asio::steady_timer>(strand, clock::time_point::max());
        const auto& batch = running_.emplace_back(std::make_shared<running_batch>());
        batch->lines = std::move(lines);
        auto work = [batch, strand, told = batch_done_] {
            std::exception_ptr failure;
            try {
                batch->lines->run();
            }
            catch (...) {
                failure = std::current_exception();
            }
            asio::post(strand, [batch, told, failure] {
                batch->done = true;
                batch->failure = failure;
                told->cancel();
            });
        };
        asio::post(workers_.executor(), std::move(work));
    }

    /// Waits for the oldest batch and says its verdicts.
    asio::awaitable<void> finish_batch()
    {
        const std::shared_ptr<running_batch> oldest = running_.front();
        while (!oldest->done) {
            (void)co_await batch_done_->async_wait(asio::as_tuple(asio::use_awaitable));
        }
        if (oldest->failure)
            std::rethrow_exception(oldest->failure);
        running_.pop_front();
        bytes_ += oldest->lines->bytes();
        for (const verdict& result : compare_.finish(std::move(oldest->lines)))
            say_verdict(result);
    }

    /// \returns  whether a batch is complete
    bool take(const std::string& line)
    {
        try {
            const listed entry = parse_listed(line);
            return std::visit([this](const auto& typed) { return take(typed); }, entry);
        }
        catch (const weir::error& failure) {
            if (failure.code() != weir::errc::bad_format)
                throw;
            ++wrong_lines_;
            complain(fmt::format("{}:{}: {}", list_, line_number_, failure.what()));
            return false;
        }
    }

    bool take(const listed_chunk& line)
    {
        has_summary_ = false; // lists may stand one behind another
        return compare_.add(line);
    }

    bool take(const listed_file& line)
    {
        has_summary_ = false;
        return compare_.add(line);
    }

    bool take(const listed_error& line)
    {
        has_summary_ = false;
        compare_.forget(line.path);
        complain(fmt::format("{}: could not be read when the list was made", line.path));
        return false;
    }

    bool take(const listed_summary& line)
    {
        has_summary_ = true;
        if (line.interrupted)
            complain(fmt::format("{}: was interrupted, and may lack files", list_));
        return false;
    }

    bool take(const listed_other&) { return false; }

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

    /// \param text  becomes one line, whatever names it holds
    void complain(std::string_view text)
    {
        append_printable(complaints_, text);
        complaints_ += '\n';
    }

    /// Lets the loop print what there is to say, and gives a cancellation the chance to arrive.
    asio::awaitable<void> hand_over()
    {
        auto printing = print(std::exchange(said_, {}), std::exchange(complaints_, {}));
        co_await weir::detail::run_on(session_.context().get_executor(), std::move(printing));
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
        else if (!has_summary_ && !interrupted)
            session_.progress().say(fmt::format("{}: has no summary: it may lack files", list_));
        if (wrong_lines_ == 1)
            session_.progress().say(fmt::format("{}: 1 line is wrong", list_));
        else if (wrong_lines_ != 0)
            session_.progress().say(fmt::format("{}: {} lines are wrong", list_, wrong_lines_));
        if (quiet_)
            return;
        session_.out().lines() += fmt::format("{}{}, {}: {} OK, {} FAILED\n", interrupted ? "interrupted: " : "",
                                              counted(files, "file"), weir::format_size(bytes_), files - failed_,
                                              failed_);
        session_.out().appended();
    }

    std::string list_;
    bool quiet_;
    session session_; // holds the loop: before the workers, which complete on it
    weir::worker_pool workers_;

    // The strand's, and the loop's once the work has ended.
    verifier compare_{list_ != "-"};
    std::deque<std::shared_ptr<running_batch>> running_; // in the order of the list
    std::shared_ptr<asio::steady_timer> batch_done_;     // never fires: cancelled when one is
    std::string said_;
    std::string complaints_;
    clock::time_point next_hop_ = clock::now() + 10ms;
    std::uint64_t line_number_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t wrong_lines_ = 0;
    bool has_summary_ = false; // behind all other lines

    // Both look at these.
    std::atomic<std::uint64_t> bytes_ = 0;
    std::atomic<std::uint64_t> files_ = 0;
};

} // namespace

int run_check(int argc, char** argv)
{
    display_options display;
    command_line line("check", "compare files with what `ingest --json` said of them", "LIST | -",
                      std::string(check_examples));
    line.begin_group("Output");
    line.add({"quiet", "", "only what failed", [&](std::string_view) { display.quiet = true; }});
    add_progress_option(line, display);
    const auto lists = line.parse(argc, argv);
    if (!lists)
        return all_read;
    if (lists->size() != 1 || lists->front().empty())
        throw usage_error("check needs one LIST, or - for standard input; see `weir check --help`");
    return check_run(lists->front(), display).run();
}

} // namespace tool
