// weir cat: copies URLs and files to standard output, and says by its exit code whether they came whole.
#include "archive_options.hpp"
#include "body_output.hpp"
#include "command.hpp"
#include "decoder_options.hpp"
#include "fetch_exit.hpp"
#include "http_options.hpp"
#include "options.hpp"
#include "output.hpp"
#include "session.hpp"

#include <weir/as_result.hpp>
#include <weir/cancel.hpp>
#include <weir/coding_source.hpp>
#include <weir/content_coding.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>
#include <weir/file_handle.hpp>
#include <weir/file_source.hpp>
#include <weir/http/file_download.hpp>
#include <weir/http/url.hpp>
#include <weir/ingest.hpp>
#include <weir/reservation.hpp>
#include <weir/size.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

using namespace weir::literals;
using std::chrono_literals::operator""ms;

constexpr std::string_view cat_examples = R"(Examples:
  weir cat https://host/big.iso > big.iso
  weir cat --expect-sha256 "$sum" https://host/a.tar | tar x
  weir cat -H @token.txt --retries 20 --timeout-idle 10 https://host/private
  weir cat --parallel 8 https://far.away/image | weir ingest -
  weir cat backup.tar.zst etc/hosts etc/passwd
  weir cat --decompress https://host/log.zst | grep -c error
  until weir cat --resume -o big.iso https://host/big.iso; do sleep 60; done

Several are written one after the other; the first failure ends the command. What goes to a FILE is FILE.part until it
is whole and right. With --resume, FILE.part and FILE.part.journal outlive a failure, a kill or a loss of power: the same
command then checks what is there and fetches the rest, if the object is still the same.

Exit: 0 all of it came, as far as its framing and digests tell; 2 usage; 3 the output failed; 4 no host, no connection;
5 TLS; 6 no valid answer; 7 a status that is no success; 8 the body was cut short; 9 wrong digest; 10 a limit of time;
1 anything else, such as a file that cannot be read; 130 or 143 by a signal.
)";

constexpr std::size_t cat_block_bytes = 256_KiB;
constexpr std::size_t default_memory = 8_MiB;
constexpr std::size_t memory_a_connection = 4_MiB; // of several
constexpr std::size_t most_at_once = 1_MiB;
constexpr auto turn = 1ms; // signals and progress wait no longer

struct cat_arguments {
    std::vector<std::string> names;
    std::string output;     // a file; empty: standard output
    bool resume = false;
    std::optional<weir::decoding_options> decode;
    weir::archive_options archive;
    bool entries = false; // the first name is an archive, the others are of entries
    std::size_t memory = 0; // 0: by the connections
    bool quiet = false;
    progress_mode progress = progress_mode::automatic;
};

/// By a file of its name, when that is whole; a device or a pipe is written to.
bool can_be_replaced(const std::string& output)
{
    struct stat status {};
    return ::stat(output.c_str(), &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
}

/// \throws output_error  it cannot be opened
weir::file_handle open_output(const std::string& path)
{
    if (path.empty() || can_be_replaced(path))
        return {};
    weir::file_handle opened(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!opened)
        throw output_error(std::error_code(errno, std::system_category()), "open", path);
    return opened;
}

void check(const cat_arguments& arguments)
{
    const auto is_empty = [](const std::string& name) { return name.empty(); };
    if (arguments.names.empty() || std::ranges::any_of(arguments.names, is_empty))
        throw usage_error("cat needs a URL, a FILE, or - for standard input; see `weir cat --help`");
    if (std::ranges::count(arguments.names, "-") > 1)
        throw usage_error("standard input can be read once: - is given more often");
    const bool one_url = arguments.names.size() == 1 && weir::is_url(arguments.names.front());
    if (!arguments.output.empty() && !one_url)
        throw usage_error("--output is for one URL");
    if (!arguments.output.empty() && arguments.decode && can_be_replaced(arguments.output))
        throw usage_error("--decompress writes to standard output: --output keeps what was sent");
    if (arguments.resume && arguments.output.empty())
        throw usage_error("--resume needs --output FILE: what went to standard output cannot be checked");
    if (arguments.resume && !can_be_replaced(arguments.output))
        throw usage_error(fmt::format("--resume: {} is not a file that can be gone on with", arguments.output));
}

bool names_entries(const cat_arguments& arguments)
{
    if (arguments.names.size() < 2 || std::any_of(arguments.names.begin() + 1, arguments.names.end(), weir::is_url))
        return false;
    return stands_for_archive(arguments.names.front(), arguments.archive);
}

weir::engine_options engine_options_of(const cat_arguments& arguments, const http_settings& web)
{
    weir::engine_options options;
    options.memory_bytes = arguments.memory;
    if (options.memory_bytes == 0)
        options.memory_bytes = default_memory + (web.source.parallel - 1) * memory_a_connection;
    options.block_bytes = cat_block_bytes;
    options.workers.threads = 1;
    return options;
}

class cat_run {
public:
    cat_run(const cat_arguments& arguments, const http_settings& web)
        : arguments_(arguments), device_(open_output(arguments.output)),
          session_(arguments.quiet ? progress_mode::never : arguments.progress, [this] { return done_; }),
          engine_(session_.context().get_executor(), engine_options_of(arguments, web)),
          web_(session_.context().get_executor(), web, 1, session_.notices(arguments.quiet)),
          out_(session_.context().get_executor(), engine_.workers().executor(),
               device_ ? device_.descriptor() : STDOUT_FILENO, device_ ? arguments.output : "standard output")
    {}

    void run()
    {
        session_.run(copy_all(), [](bool) {});
    }

private:
    using clock = std::chrono::steady_clock;

    asio::awaitable<void> copy_all()
    {
        const std::unique_ptr<http_opener, http_opener::closer> at_the_end(&web_);
        const std::size_t blocks = engine_.memory_bytes() / cat_block_bytes;
        const std::size_t others = arguments_.decode || arguments_.entries ? blocks / 2 : 0; // of decoders and archives
        memory_ = engine_.pool().try_reserve(blocks - others, cat_block_bytes).value();
        if (arguments_.entries) {
            co_await copy_entries(arguments_.names.front());
            co_return;
        }
        for (const std::string& name : arguments_.names) {
            if (!arguments_.output.empty() && !device_)
                co_await save_url(name);
            else if (weir::is_url(name))
                co_await copy_url(name);
            else
                co_await copy_file(name);
            ++done_.files;
        }
    }

    asio::awaitable<void> copy_url(std::string name)
    {
        begin_limit();
        std::unique_ptr<weir::http::http_source> opened = co_await web_.open(name);
        const std::vector<std::string> codings = opened->report().content_codings;
        const std::unique_ptr<weir::source> input = decoded(std::move(opened), codings);
        co_await copy(*input);
    }

    /// In the order of the archive, and all of a name that it has more than once, as `tar -xO`.
    asio::awaitable<void> copy_entries(std::string name)
    {
        input_end end;
        if (weir::is_url(name))
            begin_limit();
        const std::string shown = shown_name(name);
        weir::result<std::unique_ptr<weir::archive>> opening =
            co_await weir::as_result(open_archive(engine_, web_, name, arguments_.archive, end));
        if (opening.code() == weir::errc::bad_format)
            throw weir::error(weir::errc::bad_format, "open", shown, 0,
                              "it is no archive that the names behind it could be of; --archives none copies files");
        const std::unique_ptr<weir::archive> opened = std::move(opening).value();
        std::map<std::string_view, bool> found; // by the names that are wanted
        for (const std::string& each : std::span(arguments_.names).subspan(1))
            found.emplace(weir::plain_entry_name(each), false);
        for (;;) {
            co_await give_way();
            std::optional<weir::archive_entry> entry = co_await opened->next();
            if (!entry)
                break;
            const auto wanted = found.find(weir::plain_entry_name(entry->name));
            if (wanted == found.end())
                continue;
            wanted->second = true;
            if (!entry->refusal && entry->type != weir::archive_entry_type::file)
                throw weir::error(weir::errc::no_such_entry, "read", shown + "/" + entry->name, std::nullopt,
                                  "it is no file, and links are not followed");
            const std::unique_ptr<weir::source> input = decoded(opened->open(*entry), {});
            co_await copy(*input);
            ++done_.files;
        }
        co_await opened->close();
        if (!arguments_.quiet && end.is_doubtful(*opened))
            session_.progress().say(doubt_of(name));
        refuse_missing(found, shown);
    }

    /// Names the first of those that were not met, as they were given.
    void refuse_missing(const std::map<std::string_view, bool>& found, const std::string& archive) const
    {
        const auto is_missing = [&](const std::string& each) { return !found.at(weir::plain_entry_name(each)); };
        const auto first = std::find_if(arguments_.names.begin() + 1, arguments_.names.end(), is_missing);
        if (first == arguments_.names.end())
            return;
        const auto more = std::count_if(first + 1, arguments_.names.end(), is_missing);
        throw weir::error(weir::errc::no_such_entry, "read", archive + "/" + *first, std::nullopt,
                          more != 0 ? fmt::format("and {} more", more) : "");
    }

    asio::awaitable<void> save_url(std::string name)
    {
        weir::http::file_download_options options;
        options.source = web_.settings().source;
        options.resume = arguments_.resume;
        options.notice = options.source.notice;
        weir::http::url what = weir::http::url::parse(name);
        weir::http::file_download saved(web_.client(), std::move(what), arguments_.output,
                                        engine_.workers().executor(), std::move(options));
        co_await saved.open();
        done_.total_bytes = saved.size();
        done_.bytes = saved.kept_bytes();
        for (;;) {
            const std::size_t count = co_await saved.write_some(memory_, most_at_once);
            if (count == 0)
                break;
            done_.bytes += count;
        }
        static_cast<void>(co_await saved.finish());
    }

    asio::awaitable<void> copy_file(std::string name)
    {
        until_ = clock::time_point::max();
        const std::unique_ptr<weir::source> input = decoded(
            name == "-" ? weir::open_descriptor(engine_, STDIN_FILENO, name) : weir::open_file(engine_, name), {});
        co_await copy(*input);
    }

    std::unique_ptr<weir::source> decoded(std::unique_ptr<weir::source> input, std::span<const std::string> codings)
    {
        if (!arguments_.decode)
            return input;
        return weir::decode_whole(engine_, std::move(input), codings, *arguments_.decode);
    }

    asio::awaitable<void> copy(weir::source& input)
    {
        if (const auto size = input.size(); size && arguments_.names.size() == 1)
            done_.total_bytes = *size;
        for (;;) {
            weir::bytes piece = co_await input.read(memory_, most_at_once);
            if (piece.empty())
                break;
            done_.bytes += piece.size();
            co_await write(input.name(), std::move(piece));
            co_await give_way();
        }
        co_await input.close();
    }

    /// Of a URL: what it is read by ends at the same time, and a consumer that stands still is no reason to go on.
    void begin_limit()
    {
        using weir::http::time_limits;
        const time_limits::duration limit = web_.settings().client.limits.total;
        until_ = limit == time_limits::unlimited ? clock::time_point::max() : clock::now() + limit;
    }

    asio::awaitable<void> write(std::string_view from, weir::bytes piece)
    {
        if (until_ == clock::time_point::max()) {
            co_await out_.write(std::move(piece));
            co_return;
        }
        const weir::result<void> written =
            co_await weir::as_result(weir::with_deadline(out_.write(std::move(piece)), until_, "write"));
        if (written.code() == weir::errc::deadline_exceeded)
            throw weir::error(written.code(), "write", from, std::nullopt, "the limit of the whole: the output takes no more");
        written.value();
    }

    /// What did not wait has its turns all the same: signals and progress are others'.
    asio::awaitable<void> give_way()
    {
        if (clock::now() - began_ < turn)
            co_return;
        co_await asio::post(session_.context(), asio::use_awaitable);
        began_ = clock::now();
    }

    const cat_arguments& arguments_;
    work_done done_;
    weir::file_handle device_; // that is the output; opened before signals are caught: a FIFO waits for its reader
    session session_; // holds the loop: before all that runs on it
    weir::engine engine_;
    http_opener web_;
    body_output out_;
    weir::reservation memory_;
    clock::time_point began_ = clock::now();               // of the turn
    clock::time_point until_ = clock::time_point::max(); // of what is copied
};

} // namespace

int run_cat(int argc, char** argv)
{
    cat_arguments arguments;
    command_line line("cat", "copy URLs and files to standard output, and say whether they are whole",
                      "URL... | FILE... | - | ARCHIVE ENTRY...", std::string(cat_examples));
    http_options web(line);
    line.begin_group("Memory and output");
    line.add({"output", "FILE", "write the one URL to FILE, which is replaced when all is whole and right",
              [&](std::string_view text) {
                  if (text.empty())
                      throw usage_error("--output '': no file has this name");
                  arguments.output = text == "-" ? "" : text;
              },
              'o'});
    line.add({"resume", "", "go on with what an earlier run with --resume left of FILE",
              [&](std::string_view) { arguments.resume = true; }});
    line.add({"memory", "SIZE", "limit of the pool of blocks (default: 8M, and 4M a further connection)",
              [&](std::string_view text) { arguments.memory = read_size("memory", text); }});
    line.add({"quiet", "", "no notices, no progress", [&](std::string_view) { arguments.quiet = true; }});
    display_options display;
    add_progress_option(line, display);
    const decompress_option decompress(line);
    arguments.archive.refuse_unsafe_names = false; // nothing is put anywhere
    line.begin_group("Archives");
    bool archives = true;
    line.add({"archives", "WHICH", "named (default): what stands behind an archive are entries of it; or none",
              [&](std::string_view text) { archives = choose("archives", text, {"named", "none"}) == 0; }});
    add_archive_limits(line, arguments.archive.limits);
    auto names = line.parse(argc, argv);
    if (!names)
        return all_read;
    arguments.names = std::move(*names);
    arguments.progress = display.progress;
    arguments.decode = decompress.resolve();
    arguments.archive.decoder = decompress.settings();
    check(arguments);
    arguments.entries = archives && names_entries(arguments);
    http_settings settings = web.resolve(arguments.names, false);
    if (arguments.decode)
        accept_codings(settings);
    if (arguments.entries)
        refuse_parts(settings, "an entry of an archive");
    warn_of_insecurity(settings);
    try {
        cat_run(arguments, settings).run();
    }
    catch (const weir::http::file_error& failure) {
        say(failure.what());
        return failure.code() == weir::errc::other_object ? wrong_usage : output_failed;
    }
    catch (const weir::error& failure) {
        const exit_code code = exit_code_of(failure);
        if (code == input_failed)
            throw; // as any command's
        say(failure.what());
        return code;
    }
    return all_read;
}

} // namespace tool
