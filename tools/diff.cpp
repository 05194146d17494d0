// weir diff: what two files or trees share, and what changed from one to the other.
#include "archive_options.hpp"
#include "command.hpp"
#include "comparison.hpp"
#include "decoder_options.hpp"
#include "json.hpp"
#include "options.hpp"
#include "report.hpp"
#include "session.hpp"

#include <weir/engine.hpp>
#include <weir/ingest.hpp>
#include <weir/mapped_file.hpp>
#include <weir/size.hpp>

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

namespace tool {
namespace {

using namespace weir::literals;

// Small enough to find what two versions have in common; one for all files, so that a file that grew is cut alike.
constexpr std::size_t default_average = 64_KiB;

constexpr std::string_view diff_examples =
    R"(Memory grows by 48 bytes a chunk.

Examples:
  weir diff old.img new.img              how much of the images is the same
  weir diff --json v1 v2                 every path, and the sums, as JSON Lines
  weir diff backup.tar.zst .             what has changed since; archives are compared by their entries

Exit: 0 both were read, equal or not; 1 something could not be read; 2 usage or configuration; 3 the output failed;
130 or 143 by a signal.
)";

/// Collects one side.
class collector final : public weir::ingest_sink {
public:
    using failure = std::function<asio::awaitable<void>(std::string_view path, std::error_code code, std::string_view text)>;

    /// \param root  the argument: names are what stands behind it
    collector(std::string root, inventory& into, failure failed)
        : root_(std::move(root)), into_(into), failed_(std::move(failed))
    {}

    asio::awaitable<void> chunks(const weir::file_origin&, std::span<const weir::chunk_record> records) override
    {
        for (const weir::chunk_record& record : records)
            into_.add_chunk(record.digest, record.length);
        co_return;
    }

    asio::awaitable<void> file(const weir::file_record& record) override
    {
        const inventory::file entry{record.root, record.size};
        into_.add_file(std::string(name_below(record.path)), entry);
        co_return;
    }

    asio::awaitable<void> failed(std::string_view path, std::error_code code, std::string_view text) override
    {
        const std::string_view name = name_below(path);
        root_failed_ = root_failed_ || name.empty();
        into_.add_failed(std::string(name));
        co_await failed_(path, code, text);
    }

    /// Whether the argument itself could not be read.
    [[nodiscard]] bool root_failed() const noexcept { return root_failed_; }

private:
    /// Empty for the argument itself, so that two files compare whatever they are called.
    [[nodiscard]] std::string_view name_below(std::string_view path) const
    {
        path.remove_prefix(std::min(path.size(), root_.size()));
        const std::size_t begin = path.find_first_not_of('/');
        return begin == std::string_view::npos ? std::string_view() : path.substr(begin);
    }

    std::string root_;
    inventory& into_;
    failure failed_;
    bool root_failed_ = false;
};

class diff_run {
public:
    diff_run(const settings& values, weir::ingest_options options, const display_options& display,
             const std::vector<std::string>& paths)
        : display_(display),
          paths_(paths),
          options_(std::move(options)),
          session_(display.quiet ? progress_mode::never : display.progress, [this] { return look(); }),
          engine_(session_.context().get_executor(), weir::engine_options_of(values.configuration))
    {}

    int run()
    {
        session_.run(read_both(), [this](bool interrupted) {
            if (!side_failed_)
                print(interrupted);
        });
        return errors_ == 0 ? all_read : input_failed;
    }

private:
    asio::awaitable<void> read_both()
    {
        const auto refused = [this](std::string_view path, std::error_code code, std::string_view text) {
            return complain(path, code, text);
        };
        // Against a side that is not there, all of the other would be a change.
        for (std::size_t side = 0; side < 2 && !side_failed_; ++side) {
            collector into(paths_[side], sides_[side], refused);
            job_ = std::make_unique<weir::ingest_job>(engine_, options_, into);
            auto supply = std::make_shared<std::optional<std::string>>(paths_[side]);
            weir::path_supplier supplier = [supply](std::vector<std::string>& out, std::size_t) {
                if (const auto path = std::exchange(*supply, std::nullopt))
                    out.push_back(*path);
            };
            co_await job_->run(std::move(supplier));
            const weir::ingest_summary summary = job_->summary();
            job_.reset();
            bytes_ += summary.bytes;
            files_ += summary.files;
            side_failed_ = into.root_failed();
        }
    }

    asio::awaitable<void> complain(std::string_view path, std::error_code code, std::string_view text)
    {
        ++errors_;
        if (display_.json) {
            append_error_line(session_.out().lines(), path, code, text);
            session_.out().appended();
        }
        else {
            session_.progress().say(line_of_failure(path, text));
        }
        co_await session_.room();
    }

    work_done look()
    {
        const weir::ingest_summary now = job_ ? job_->summary() : weir::ingest_summary();
        return {bytes_ + now.bytes, files_ + now.files, std::nullopt};
    }

    void print(bool interrupted)
    {
        std::vector<file_change> files = compare_files(sides_[0], sides_[1]);
        const chunk_comparison chunks = compare_chunks(sides_[0], sides_[1]);
        std::array<std::uint64_t, 4> counts{};
        for (const file_change& one : files)
            ++counts[static_cast<std::size_t>(one.what)];
        if (interrupted || (display_.quiet && !display_.json))
            files.clear(); // what was not read yet would seem to be removed
        if (display_.json)
            print_json(files, counts, chunks, interrupted);
        else
            print_text(files, counts, chunks, interrupted);
        session_.out().appended();
    }

    /// An argument that is a file itself has its own name; of two, which are one that changed or not, that of B.
    [[nodiscard]] const std::string& shown(const file_change& one) const
    {
        if (!one.name.empty())
            return one.name;
        return paths_[one.what == change::removed ? 0 : 1];
    }

    void print_json(const std::vector<file_change>& files, const std::array<std::uint64_t, 4>& counts,
                    const chunk_comparison& chunks, bool interrupted)
    {
        std::string& lines = session_.out().lines();
        for (const file_change& one : files)
            json_line(lines, "path").text("change", to_string(one.what)).path("path", shown(one)).end();
        json_line line(lines, "diff");
        for (const change what : {change::added, change::removed, change::changed, change::identical})
            line.number(to_string(what), counts[static_cast<std::size_t>(what)]);
        line.number("errors", errors_)
            .number("bytes_a", sides_[0].bytes())
            .number("bytes_b", sides_[1].bytes())
            .number("shared_chunks", chunks.shared.chunks)
            .number("shared_bytes", chunks.shared.bytes)
            .number("only_a_chunks", chunks.only_a.chunks)
            .number("only_a_bytes", chunks.only_a.bytes)
            .number("only_b_chunks", chunks.only_b.chunks)
            .number("only_b_bytes", chunks.only_b.bytes)
            .boolean("interrupted", interrupted)
            .end();
    }

    void print_text(const std::vector<file_change>& files, const std::array<std::uint64_t, 4>& counts,
                    const chunk_comparison& chunks, bool interrupted)
    {
        std::string& lines = session_.out().lines();
        for (const file_change& one : files) {
            if (one.what == change::identical)
                continue;
            lines += fmt::format("{:<9} ", to_string(one.what));
            append_printable(lines, shown(one));
            lines += '\n';
        }
        if (interrupted)
            lines += "interrupted  what follows is what was read until then\n";
        const auto row = [&](std::string_view name, const tally& value) {
            lines += fmt::format("{:<12} {}, {} ({})\n", name, counted(value.chunks, "chunk"),
                                 weir::format_size(value.bytes), counted(value.bytes, "byte"));
        };
        lines += fmt::format("{:<12} {} added, {} removed, {} changed, {} identical\n", "files", counts[0], counts[1],
                             counts[2], counts[3]);
        row("shared", chunks.shared);
        row("only in A", chunks.only_a);
        row("only in B", chunks.only_b);
    }

    const display_options& display_;
    const std::vector<std::string>& paths_;
    weir::ingest_options options_;
    session session_; // holds the loop: before all that runs on it
    weir::engine engine_;
    std::unique_ptr<weir::ingest_job> job_; // the one that runs
    std::array<inventory, 2> sides_;
    std::uint64_t bytes_ = 0, files_ = 0; // of the sides that were read
    std::uint64_t errors_ = 0;
    bool side_failed_ = false; // an argument itself could not be read
};

} // namespace

int run_diff(int argc, char** argv)
{
    display_options display;
    command_line line("diff", "what two files or trees share, and what changed", "A B", std::string(diff_examples));
    setting_options setting(line, {.average = default_average, .file_digest = false});
    add_display_options(line, display, "the sums only, no progress");
    std::optional<weir::archive_choice> archives;
    weir::archive_options archive;
    add_archive_choice(line, archives);
    add_dictionary(line, archive.decoder.dictionary);
    add_archive_limits(line, archive.limits);
    add_decoder_limits(line, archive.decoder, "for an archive that is compressed as a whole (default 16G)");
    const auto paths = line.parse(argc, argv);
    if (!paths)
        return all_read;
    if (paths->size() != 2 || paths->front().empty() || paths->back().empty())
        throw usage_error("diff needs two paths, A and B; see `weir diff --help`");
    if (paths->front() == "-" && paths->back() == "-")
        throw usage_error("standard input can be read once: - is given more often");
    const settings values = setting.resolve();
    warn_of_weak_digests(values);
    weir::install_mapping_guard(); // a file that is truncated while it is mapped is an error, not the end
    weir::ingest_options options = values.ingest_options();
    options.archives = archives.value_or(weir::archive_choice::named);
    options.archive = std::move(archive);
    return diff_run(values, std::move(options), display, *paths).run();
}

} // namespace tool
