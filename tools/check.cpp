// weir check: are files still what a list of `weir ingest --json` says?
#include "archive_options.hpp"
#include "arguments.hpp"
#include "command.hpp"
#include "contained_check.hpp"
#include "decoder_options.hpp"
#include "json.hpp"
#include "options.hpp"
#include "running_batches.hpp"
#include "session.hpp"
#include "verifier.hpp"

#include <weir/as_result.hpp>
#include <weir/detail/run_on.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>
#include <weir/size.hpp>
#include <weir/worker_pool.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

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

Entries of archives, and content that was decompressed, are compared too, each archive in one go. URLs fail: they are not
fetched.

Exit: 0 all files are as listed; 1 a file is not, cannot be read, or a line of LIST is wrong; 2 usage;
3 the output failed; 130 or 143 by a signal.
)";

constexpr std::size_t longest_line = 1_MiB;
constexpr std::size_t memory_of_worker = 8_MiB;
constexpr std::size_t most_contained = 64_MiB; // of the list, that is worked on

/// One check of one list. Reading the list and the verdicts, in its order, are a coroutine on a strand of the workers;
/// batches of chunks are read and digested by all of them. What there is to say is said on the loop.
class check_run {
public:
    check_run(std::string list, const display_options& display, weir::archive_options archives)
        : list_(std::move(list)),
          quiet_(display.quiet),
          session_(quiet_ ? progress_mode::never : display.progress,
                   [this] {
                       return work_done{bytes_ + contained_.bytes_read(), files_, {}};
                   }),
          engine_(session_.context().get_executor(), engine_options()),
          contained_(engine_, std::move(archives))
    {}

    int run()
    {
        session_.run(start(), [this](bool interrupted) { print_sums(interrupted); });
        return failed_ == 0 && wrong_lines_ == 0 && files_ != 0 && is_complete_ && has_summary_ ? all_read : input_failed;
    }

private:
    using clock = std::chrono::steady_clock;

    asio::awaitable<void> start()
    {
        co_await weir::detail::run_on(engine_.workers().executor(), compare_to_the_end());
    }

    asio::awaitable<void> compare_to_the_end()
    {
        const weir::result<void> compared = co_await weir::as_result(compare_all());
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await contained_.stop();
        compared.value();
    }

    asio::awaitable<void> compare_all()
    {
        path_list lines(list_, '\n', longest_line);
        while (const std::optional<std::string> line = lines.next()) {
            line_number_ = lines.line();
            if (take(*line))
                co_await start_batch();
            co_await give_contained();
            if (said_.size() + complaints_.size() >= 16_KiB || clock::now() >= next_hop_)
                co_await hand_over();
        }
        co_await start_batch();
        while (!running_.empty())
            co_await finish_batch();
        for (const verdict& result : compare_.rest())
            say_verdict(result);
        while (std::optional<container> next = compare_.contained().take_any()) {
            contained_.give(std::move(*next));
            co_await say_contained(most_contained);
        }
        contained_.close();
        for (bool is_more = true; is_more;)
            is_more = co_await say_next_contained();
        co_await hand_over();
    }

    /// Has what lies in archives, and is compressed, compared as far as the list has it.
    asio::awaitable<void> give_contained()
    {
        while (std::optional<container> next = compare_.contained().take_ready()) {
            contained_.give(std::move(*next));
            co_await say_contained(most_contained);
        }
    }

    /// Says the verdicts that there are, and waits for others while more than `most` bytes of the list are worked on.
    asio::awaitable<void> say_contained(std::size_t most)
    {
        while (contained_.bytes_held() > most)
            co_await say_next_contained();
        while (const auto found = contained_.try_next())
            std::ranges::for_each(*found, [this](const verdict& each) { say_verdict(each); });
    }

    /// \returns  false when there are no others
    asio::awaitable<bool> say_next_contained()
    {
        const std::optional<std::vector<verdict>> found = co_await contained_.next();
        if (!found)
            co_return false;
        for (const verdict& each : *found)
            say_verdict(each);
        co_await hand_over();
        co_return true;
    }

    /// Gives what was added to the workers.
    asio::awaitable<void> start_batch()
    {
        while (running_.full())
            co_await finish_batch();
        if (auto lines = compare_.next_batch())
            co_await running_.start(std::move(lines));
    }

    /// Waits for the oldest batch and says its verdicts.
    asio::awaitable<void> finish_batch()
    {
        std::shared_ptr<check_batch> oldest = co_await running_.take_oldest();
        bytes_ += oldest->bytes_read();
        for (const verdict& result : compare_.finish(std::move(oldest)))
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
        ++seen_.chunks;
        seen_.bytes += line.length;
        return compare_.add(line);
    }

    bool take(const listed_file& line)
    {
        has_summary_ = false;
        ++seen_.files;
        return compare_.add(line);
    }

    bool take(const listed_error& line)
    {
        has_summary_ = false;
        is_complete_ = false;
        compare_.forget(line.path);
        complain(fmt::format("{}: could not be read when the list was made", line.path));
        return false;
    }

    bool take(const listed_summary& line)
    {
        has_summary_ = true;
        const listed_summary seen = std::exchange(seen_, {});
        if (line.interrupted)
            find_incomplete("was interrupted, and may lack files");
        const std::array sums = {std::tuple("file", line.files, seen.files), std::tuple("chunk", line.chunks, seen.chunks),
                                 std::tuple("byte", line.bytes, seen.bytes)};
        for (const auto& [noun, said, found] : sums)
            if (said != found) // with chunks their bytes are missing: once is enough
                return find_incomplete(fmt::format("has {}, and its summary counts {}", counted(found, noun), said));
        return false;
    }

    bool take(const listed_other&) { return false; }

    /// \returns  that no batch is complete
    bool find_incomplete(std::string_view why)
    {
        is_complete_ = false;
        complain(fmt::format("{}: {}", list_, why));
        return false;
    }

    void say_verdict(const verdict& result)
    {
        ++files_;
        failed_ += result.failure.empty() ? 0 : 1;
        if (result.failure.empty() && quiet_)
            return;
        append_printable(said_, result.path);
        if (result.failure.empty()) {
            said_ += ": OK\n";
            return;
        }
        said_ += ": FAILED (";
        append_printable(said_, result.failure); // names stand in it
        said_ += ")\n";
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
        co_await session_.room();
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
                                              counted(files, "file"), weir::format_size(bytes_ + contained_.bytes_read()), files - failed_,
                                              failed_);
        session_.out().appended();
    }

    static weir::engine_options engine_options()
    {
        weir::engine_options options;
        options.memory_bytes = weir::default_worker_count() * memory_of_worker;
        return options;
    }

    std::string list_;
    bool quiet_;
    session session_; // holds the loop: before the workers, which complete on it
    weir::engine engine_;
    contained_check contained_;

    // The strand's, and the loop's once the work has ended.
    verifier compare_{list_ != "-"};
    running_batches running_{engine_.workers()}; // in the order of the list
    std::string said_;
    std::string complaints_;
    clock::time_point next_hop_ = clock::now() + 10ms;
    std::uint64_t line_number_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t wrong_lines_ = 0;
    bool has_summary_ = false;  // behind all other lines
    listed_summary seen_;       // what it should say of the lines before it
    bool is_complete_ = true;   // every summary says so, and nothing could not be read

    // Both look at these.
    std::atomic<std::uint64_t> bytes_ = 0;
    std::atomic<std::uint64_t> files_ = 0;
};

} // namespace

int run_check(int argc, char** argv)
{
    display_options display;
    weir::archive_options archives;
    command_line line("check", "compare files with what `ingest --json` said of them", "LIST | -",
                      std::string(check_examples));
    line.begin_group("Output");
    line.add({"quiet", "", "only what failed", [&](std::string_view) { display.quiet = true; }});
    add_progress_option(line, display);
    add_archive_limits(line, archives.limits);
    add_decoder_limits(line, archives.decoder, "for what is compressed (default 16G)");
    add_dictionary(line, archives.decoder.dictionary);
    const auto lists = line.parse(argc, argv);
    if (!lists)
        return all_read;
    if (lists->size() != 1 || lists->front().empty())
        throw usage_error("check needs one LIST, or - for standard input; see `weir check --help`");
    return check_run(lists->front(), display, std::move(archives)).run();
}

} // namespace tool
