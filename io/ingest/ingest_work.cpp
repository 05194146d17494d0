#include "ingest_work.hpp"


#include <algorithm>
#include <utility>

#include <sys/resource.h>

namespace weir::detail {
namespace {

/// Lanes and walk keep fewer files and directories open where descriptors are few: sixteen lanes would need more than
/// the usual 1,024. What a process has besides comes first.
ingest_options within_descriptors(ingest_options options, std::size_t lanes)
{
    constexpr std::size_t others = 32;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return options;
    const auto descriptors = static_cast<std::size_t>(limit.rlim_cur);
    const std::size_t share = descriptors > others ? (descriptors - others) / (lanes + 1) : 0; // one for the walk
    const auto at_most = [](std::size_t& number, std::size_t most) {
        number = std::min(number, std::max<std::size_t>(most, 1));
    };
    at_most(options.batch_files, share / 2); // all of them may be larger than their slots
    at_most(options.tree.max_batch_directories, share / 4);
    at_most(options.tree.max_open_directories, share / 2); // two descriptors each
    return options;
}

} // namespace

ingest_work::ingest_work(engine& on, ingest_options how, std::size_t lanes)
    : owner(on), options(within_descriptors(std::move(how), lanes)), reports(lanes), known(options.file_cache_size), archives(lanes),
      ledger_(on.ledger()), walk_(options.tree)
{
    ledger_->enter(*this);
    batches.set_width(stage::read, lanes);
    batches.set_width(stage::digest, lanes);
}

bool ingest_work::next_entries(std::vector<tree_entry>& out, std::size_t most_urls)
{
    std::lock_guard lock(walk_mutex_);
    return !cancelled && (walk_.next_batch(out, options.batch_files) || next_arguments(out, most_urls));
}

bool ingest_work::next_arguments(std::vector<tree_entry>& out, std::size_t most)
{
    arguments_.clear();
    if (paths)
        paths(arguments_, most);
    for (std::string& each : arguments_) {
        if (each != "-" && !is_url(each)) {
            walk_.add(std::move(each));
            continue;
        }
        tree_entry& found = out.emplace_back();
        found.kind = entry_kind::special;
        found.path = std::move(each);
    }
    return !arguments_.empty();
}

flow_statistics ingest_work::meter() const noexcept
{
    return digested_so_far(batches.snapshot());
}

file_source_options ingest_work::file_options() const
{
    file_source_options out;
    out.direct = options.direct;
    out.backend = options.backend;
    out.read_ahead_blocks = read_ahead_blocks;
    return out;
}

bool ingest_work::reads_archives(const tree_entry& entry) const noexcept
{
    const bool is_named = !entry.directory;
    return options.archives == archive_choice::all || (options.archives == archive_choice::named && is_named);
}

archive_verdict ingest_work::judge_archive(std::string_view name, std::span<const std::byte> start, bool is_whole) const
{
    if (is_url(name))
        name = name.substr(0, name.find_first_of("?#"));
    return weir::judge_archive(start, is_whole, name, options.archive);
}

bool ingest_work::is_coded(std::span<const std::byte> start) const
{
    const std::optional<decoding_options>& how = options.decode;
    return how && (how->codec || !how->pass_unknown || detect_codec(start));
}

std::optional<codec> ingest_work::codec_of(std::span<const std::byte> start) const
{
    return options.decode->codec ? options.decode->codec : detect_codec(start);
}

void ingest_work::add_stages(const stage_snapshot& more)
{
    std::lock_guard lock(stages_mutex_);
    add(streams_, more);
}

stage_snapshot ingest_work::stages() const
{
    stage_snapshot out = batches.snapshot();
    std::lock_guard lock(stages_mutex_);
    add(out, streams_);
    return out;
}

} // namespace weir::detail
