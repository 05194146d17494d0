// weir ingest: cuts files, trees, URLs and streams into chunks, digests them, and says so.
#include "arguments.hpp"
#include "archive_options.hpp"
#include "command.hpp"
#include "decoder_options.hpp"
#include "http_options.hpp"
#include "options.hpp"
#include "report.hpp"
#include "session.hpp"
#include "survey.hpp"

#include <weir/engine.hpp>
#include <weir/error.hpp>
#include <weir/http/journaled_source.hpp>
#include <weir/ingest.hpp>
#include <weir/journal.hpp>
#include <weir/mapped_file.hpp>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace tool {
namespace {

constexpr std::string_view ingest_examples = R"(Examples:
  weir ingest /usr/share/doc                    report files, chunks and duplicates
  weir ingest --json src > src.list             every chunk and file as JSON Lines
  tar cf - src | weir ingest --chunk-avg 64K -  cut a stream, one average size
  weir ingest --json https://host/big.iso       what a URL gives, without keeping it
  weir ingest --json --resume j https://host/b  the same, and after a crash it goes on where it was
  weir ingest backup.tar.zst photos.zip         every entry as a file of its own; URLs alike
  ssh host tar cz / | weir ingest --archives all -  the same of a stream
  weir ingest --decompress=auto /var/log        what is compressed, by its content
  find . -name '*.log' -print0 | weir ingest --files-from - -0
  weir ingest --chunker fastcdc2020 --hash sha512-256 --exclude '*.tmp' src

Exit: 0 all was read; 1 an input failed, the rest was done; 2 usage or configuration; 3 the output failed;
130 or 143 by a signal.
)";

/// What the command line of ingest says besides the settings.
struct ingest_arguments {
    display_options display;
    std::vector<std::string> lists; // of --files-from
    bool nul_separated = false;
    std::string journal; // of --resume; empty: none
    std::optional<weir::archive_choice> archives;
    std::vector<std::string> paths;
};

void check(const ingest_arguments& arguments)
{
    if (arguments.paths.empty() && arguments.lists.empty())
        throw usage_error("ingest needs a PATH, a URL, - for standard input, or --files-from; see `weir ingest --help`");
    if (arguments.nul_separated && arguments.lists.empty())
        throw usage_error("-0 is for --files-from");
    const auto readers = std::ranges::count(arguments.paths, "-") + std::ranges::count(arguments.lists, "-");
    if (readers > 1)
        throw usage_error("standard input can be read once: - is given more often");
    const bool one_url = arguments.lists.empty() && arguments.paths.size() == 1 && weir::is_url(arguments.paths.front());
    if (!arguments.journal.empty() && !one_url)
        throw usage_error("--resume is for one URL: a journal tells of one object");
    if (!arguments.journal.empty() && arguments.archives.value_or(weir::archive_choice::none) != weir::archive_choice::none)
        throw usage_error("--resume does not go together with --archives: a journal tells of what was sent");
}

void check(const ingest_arguments& arguments, const weir::ingest_options& options)
{
    const bool can_go_on = !options.file_digest || *options.file_digest == weir::hash_algorithm::sha256;
    if (!arguments.journal.empty() && options.decode)
        throw usage_error("--decompress does not go together with --resume: a journal tells of what was sent");
    if (!arguments.journal.empty() && !can_go_on)
        throw usage_error(fmt::format("--file-digest={} does not go together with --resume; sha256 does",
                                      weir::to_string(*options.file_digest)));
}

/// One ingest from its options to its report.
class ingest_run {
public:
    ingest_run(const settings& values, weir::ingest_options options, const http_settings& web,
               const ingest_arguments& arguments)
        : arguments_(arguments),
          options_(std::move(options)),
          session_(arguments.display.quiet ? progress_mode::never : arguments.display.progress,
                   [this] { return look(); }),
          engine_(session_.context().get_executor(), weir::engine_options_of(values.configuration)),
          // Received where it is cut and digested: a hop less for each piece.
          web_(engine_.workers().executor(), web, jobs(), session_.notices(arguments.display.quiet)),
          reporter_(make_reporter()),
          job_(engine_, with_urls(options_), *reporter_)
    {}

    /// \returns  the command's exit code
    int run()
    {
        started_ = clock::now();
        session_.run(read_all(), [this](bool interrupted) {
            const std::chrono::duration<double> time = clock::now() - started_;
            reporter_->close({job_.summary(), interrupted, time.count()});
        });
        if (reporter_->errors() != 0)
            return input_failed;
        if (!arguments_.journal.empty())
            weir::journal(arguments_.journal).remove(); // the list is written: there is nothing left to go on with
        return all_read;
    }

private:
    using clock = std::chrono::steady_clock;

    asio::awaitable<void> read_all()
    {
        const std::unique_ptr<http_opener, http_opener::closer> at_the_end(&web_);
        co_await job_.run(make_supplier());
    }

    std::size_t jobs() const { return options_.jobs != 0 ? options_.jobs : engine_.workers().size(); }

    weir::ingest_options with_urls(weir::ingest_options options)
    {
        options.open_urls = [this](std::vector<weir::url_request> urls) { return open_urls(std::move(urls)); };
        return options;
    }

    asio::awaitable<std::vector<weir::url_request>> open_urls(std::vector<weir::url_request> urls)
    {
        if (arguments_.journal.empty())
            return web_.fetch(std::move(urls));
        return open_journaled(std::move(urls));
    }

    /// \pre there is one URL
    asio::awaitable<std::vector<weir::url_request>> open_journaled(std::vector<weir::url_request> urls)
    {
        weir::http::journaled_source_options how;
        how.source = web_.settings().source;
        how.journal = arguments_.journal;
        how.notice = how.source.notice;
        weir::http::url target = weir::http::url::parse(urls.front().url);
        weir::ingest_options settings = options_;
        urls.front().input = co_await weir::http::open_journaled(web_.client(), std::move(target), std::move(settings),
                                                                 std::move(how));
        co_return urls;
    }

    std::unique_ptr<reporter> make_reporter()
    {
        if (arguments_.display.json)
            return std::make_unique<json_reporter>(session_.out(), options_);
        return std::make_unique<text_reporter>(session_.out(), session_.progress(), arguments_.display.quiet);
    }

    weir::path_supplier make_supplier()
    {
        std::vector<path_list> lists;
        for (const std::string& list : arguments_.lists)
            lists.emplace_back(list, arguments_.nul_separated ? '\0' : '\n');
        // The supplier runs on a worker; what it refuses is said on the loop.
        auto refused = [this](std::string path, std::error_code code, std::string text) {
            asio::post(session_.context(), [this, path = std::move(path), code, text = std::move(text)] {
                reporter_->refuse(path, code, text);
            });
        };
        auto supply = std::make_shared<argument_supply>(arguments_.paths, std::move(lists), std::move(refused));
        return [supply](std::vector<std::string>& out, std::size_t most) { supply->next(out, most); };
    }

    work_done look()
    {
        // The first look comes when there is something to show: short work is not surveyed.
        if (!survey_ && arguments_.lists.empty())
            survey_ = std::make_unique<survey>(arguments_.paths, options_.tree);
        const weir::ingest_summary summary = job_.summary();
        return {summary.bytes, summary.files, survey_ ? survey_->total_bytes() : std::nullopt};
    }

    const ingest_arguments& arguments_;
    weir::ingest_options options_;
    session session_; // holds the loop: before all that runs on it
    weir::engine engine_;
    http_opener web_;
    std::unique_ptr<reporter> reporter_;
    weir::ingest_job job_;
    std::unique_ptr<survey> survey_;
    clock::time_point started_;
};

} // namespace

int run_ingest(int argc, char** argv)
{
    ingest_arguments arguments;
    command_line line("ingest", "cut files, trees, URLs or a stream into chunks and digest them",
                      "PATH... | URL... | -", std::string(ingest_examples));
    setting_options setting(line);
    http_options web(line);
    line.begin_group("Input");
    line.add({"files-from", "FILE", "read paths from FILE, one a line; - for standard input",
              [&](std::string_view text) { arguments.lists.emplace_back(text); }});
    line.add({"null", "", "paths of --files-from end with NUL",
              [&](std::string_view) { arguments.nul_separated = true; }, '0'});
    line.add({"resume", "JOURNAL", "note in JOURNAL what was found of the one URL, and go on with what is there",
              [&](std::string_view text) {
                  if (text.empty())
                      throw usage_error("--resume '': no file has this name");
                  arguments.journal = text;
              }});
    add_display_options(line, arguments.display, "no report, no progress");
    const decompress_option decompress(line);
    weir::archive_options archive;
    add_archive_choice(line, arguments.archives);
    add_archive_limits(line, archive.limits);
    auto paths = line.parse(argc, argv);
    if (!paths)
        return all_read;
    arguments.paths = std::move(*paths);
    check(arguments);
    const settings values = setting.resolve();
    weir::ingest_options options = values.ingest_options();
    options.decode = decompress.resolve();
    http_settings http = web.resolve(arguments.paths, !arguments.lists.empty());
    // A journal tells of what was sent; and a part is not decoded.
    const bool as_sent = !arguments.journal.empty() || http.source.header.contains("Range");
    options.archives = arguments.archives.value_or(as_sent ? weir::archive_choice::none : weir::archive_choice::named);
    options.archive = std::move(archive);
    options.archive.decoder = decompress.settings();
    check(arguments, options);
    if (options.archives != weir::archive_choice::none)
        refuse_parts(http, "--archives");
    if (options.decode)
        accept_codings(http);
    warn_of_weak_digests(values);
    warn_of_insecurity(http);
    weir::install_mapping_guard(); // a file that is truncated while it is mapped is an error, not the end
    return ingest_run(values, std::move(options), http, arguments).run();
}

} // namespace tool
