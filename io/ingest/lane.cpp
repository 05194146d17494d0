#include "lane.hpp"

#include "files/small_files.hpp"

#include <weir/as_result.hpp>
#include <weir/error.hpp>
#include <weir/merkle_tree.hpp>
#include <weir/observer.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>

#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

// A file of up to so many blocks joins the batch; a larger one has a stream of its own.
constexpr std::size_t medium_blocks = 4;
// Blocks for such files beside the slots of the small ones.
constexpr std::size_t batch_blocks = 2 * medium_blocks;
constexpr std::size_t slot_bytes = std::size_t{16} << 10;
// Of the files that wait for a stream.
constexpr std::size_t most_open_files = 8;
constexpr std::size_t digest_turn_bytes = std::size_t{2} << 20;
constexpr std::size_t most_known_records = 4096; // in one report
// To observers and registries: no allocation as a string.
constexpr std::string_view batch_name = "small files";

file_source_options file_options_of(const ingest_work& work)
{
    file_source_options out;
    out.direct = work.options.direct;
    out.backend = work.options.backend;
    out.read_ahead_blocks = work.read_ahead_blocks;
    return out;
}

/// Opens the file of an entry where that is still to be done.
/// \returns  false when something else stands in its place by now
bool open_entry(const tree_entry& entry, file_handle& file)
{
    std::error_code failure;
    if (!file)
        file = entry.open(open_flags::none, failure);
    if (was_swapped(entry, failure))
        return false;
    if (!file)
        throw error(failure, "open", entry.path);
    const file_type found = file.info(entry.path).type;
    return !entry.directory || found == file_type::regular || found == file_type::directory;
}

std::unique_ptr<source> open_large(const ingest_work& work, const std::string& path, file_handle file)
{
    file_source_options options = file_options_of(work);
    if (work.options.memory_map_threshold != 0 && file.info(path).size >= work.options.memory_map_threshold)
        options.backend = backend::mmap;
    return open_file(work.owner, std::move(file), path, options);
}

enum class reading { ended, filled, failed };

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

/// The ring serves small files even where maps serve large ones.
backend small_backend(backend chosen)
{
    return chosen == backend::mmap ? backend::auto_ : chosen;
}

/// Reads on at `offset` until the file ends or `into` is full.
/// \param flags  of preadv2: `RWF_NOWAIT` fails with `EAGAIN` where the disk would be waited for
reading read_into(buffer& into, const file_handle& file, std::uint64_t offset, int flags, std::error_code& failure)
{
    while (!into.spare().empty()) {
        const iovec room{into.spare().data(), into.spare().size()};
        const ssize_t got = preadv2(file.descriptor(), &room, 1, static_cast<off_t>(offset + into.size()), flags);
        if (got == 0)
            return reading::ended;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            failure = std::error_code(errno, std::system_category());
            return reading::failed;
        }
        into.commit(static_cast<std::size_t>(got));
    }
    return reading::filled;
}

} // namespace

ingest_work::ingest_work(engine& on, ingest_options how, std::size_t lanes)
    : owner(on), options(within_descriptors(std::move(how), lanes)), reports(lanes), known(options.file_cache_size),
      ledger_(on.ledger()), walk_(options.tree)
{
    ledger_->enter(*this);
    batches.set_width(stage::read, lanes);
    batches.set_width(stage::digest, lanes);
}

bool ingest_work::next_entries(std::vector<tree_entry>& out, std::size_t most_urls)
{
    std::lock_guard lock(walk_mutex_);
    while (!cancelled && !walk_.next_batch(out, options.batch_files) && next_arguments(out, most_urls)) {
        if (!out.empty())
            return true;
    }
    return !out.empty();
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

ingest_lane::ingest_lane(ingest_work& work, std::size_t index) : work_(work), index_(index), batch_(work.options) {}

asio::awaitable<void> ingest_lane::run()
{
    const auto strand = co_await asio::this_coro::executor;
    for (;;) {
        entries_.clear();
        if (!work_.next_entries(entries_, urls_at_once_))
            break;
        co_await read_entries();
        if (report_)
            send_report();
        // Other flows have their turn, and a cancellation its chance.
        co_await asio::post(strand, asio::use_awaitable);
    }
}

void ingest_lane::drop() noexcept
{
    batch_.clear();
    large_.clear();
    repeated_.clear();
    results_.clear();
    opened_.clear();
    memory_.reset();
}

asio::awaitable<void> ingest_lane::read_entries()
{
    co_await start_report();
    std::vector<std::string> streams;
    std::vector<std::string> urls;
    files_.clear();
    for (tree_entry& each : entries_) {
        switch (each.kind) {
        case entry_kind::file: files_.push_back(std::move(each)); break;
        case entry_kind::special: (is_url(each.path) ? urls : streams).push_back(std::move(each.path)); break;
        case entry_kind::skipped: work_.skipped.fetch_add(1, std::memory_order_relaxed); break;
        case entry_kind::error: {
            const error failure(each.error, "open", each.path);
            report_->add_failure(std::move(each.path), failure.code(), failure.what());
            break;
        }
        }
    }
    if (!files_.empty()) {
        read_files();
        co_await digest_batch();
        memory_.reset();
        send_report();
    }
    for (const repeated_file& each : repeated_)
        co_await give_known(each.path, *each.known);
    repeated_.clear();
    for (large_file& each : large_)
        co_await read_large(std::move(each));
    large_.clear();
    for (std::string& each : streams)
        co_await read_special(std::move(each));
    if (!urls.empty())
        co_await read_urls(std::move(urls));
}

/// Takes the memory of a batch if it is free now: slots, and the reservation has `other_blocks` besides.
/// \returns  nothing where there is none
std::vector<buffer> ingest_lane::reserve_slots(std::size_t count, std::size_t other_blocks)
{
    const std::size_t block = work_.owner.block_bytes();
    const std::size_t slots_a_block = block / slot_bytes;
    const std::size_t slot_blocks = (count + slots_a_block - 1) / slots_a_block;
    const std::size_t wanted = slot_blocks + other_blocks;
    std::vector<buffer> slots;
    memory_.reset();
    if (wanted <= work_.owner.memory_bytes() / block)
        memory_ = work_.owner.pool().try_reserve(wanted, block);
    if (!memory_)
        return slots;
    memory_->keep_registered(work_.owner.resources().add(
        {.kind = resource_kind::reservation, .name = std::string(batch_name), .bytes = wanted * block}));
    for (std::size_t i = 0; i < slot_blocks; ++i)
        for (buffer& each : split(*memory_->try_take_own(), slot_bytes))
            slots.push_back(std::move(each));
    slots.resize(count);
    return slots;
}

/// Without memory for a batch every file has a stream of its own.
void ingest_lane::read_files()
{
    results_.clear();
    results_.resize(files_.size());
    std::vector<buffer> slots;
    if (!work_.options.direct)
        slots = reserve_slots(files_.size(), batch_blocks);
    if (slots.empty()) {
        for (tree_entry& each : files_)
            large_.push_back({std::move(each), file_handle()});
        return;
    }
    {
        const auto busy = work_.batches.busy(stage::read);
        timed_event told(work_.owner.observer(), event_kind::read, "read", batch_name);
        read_small_files(files_, slots, results_, small_backend(work_.options.backend));
        std::uint64_t bytes = 0;
        for (const buffer& each : slots)
            bytes += each.size();
        work_.batches.count(stage::read, bytes, files_.size());
        told.succeed(bytes, files_.size());
    }
    for (std::size_t i = 0; i < files_.size(); ++i)
        take_result(files_[i], results_[i], std::move(slots[i]));
}

void ingest_lane::take_result(tree_entry& entry, small_file& result, buffer slot)
{
    switch (result.result) {
    case small_file::outcome::whole: {
        const bytes content(std::move(slot).freeze());
        batch_.add(std::move(entry.path), content);
        return;
    }
    case small_file::outcome::failed: {
        if (result.error == std::errc::too_many_files_open) { // it is tried again when those of the batch are closed
            large_.push_back({std::move(entry), file_handle()});
            return;
        }
        const error failure(result.error, "read", entry.path);
        report_->add_failure(std::move(entry.path), failure.code(), failure.what());
        return;
    }
    case small_file::outcome::skipped: work_.skipped.fetch_add(1, std::memory_order_relaxed); return;
    case small_file::outcome::large:
        slot = buffer();
        const std::optional<file_stamp> stamp = work_.known.stamp(result.file);
        if (auto known = stamp ? work_.known.find(*stamp) : nullptr) {
            repeated_.push_back({std::move(entry.path), std::move(known)});
            return;
        }
        if (add_medium(entry, result.file, stamp))
            return;
        if (large_.size() >= most_open_files)
            result.file.close();
        large_.push_back({std::move(entry), std::move(result.file)});
    }
}

/// Reads a file of a few blocks whole, if it is cached and there is memory; otherwise nothing happened.
bool ingest_lane::add_medium(tree_entry& entry, const file_handle& file, const std::optional<file_stamp>& stamp)
{
    bytes content;
    for (std::size_t i = 0; i < medium_blocks; ++i) {
        std::optional<buffer> block = memory_->try_take();
        std::error_code failure;
        if (!block)
            return false;
        const reading outcome = read_into(*block, file, content.size(), RWF_NOWAIT, failure);
        if (outcome == reading::failed)
            return false; // a stream of its own waits for the disk, or reports what is wrong
        content.append(std::move(*block).freeze());
        if (outcome == reading::ended) {
            const bool unchanged = stamp && work_.known.stamp(file) == stamp;
            batch_.add(std::move(entry.path), content, unchanged ? stamp : std::nullopt);
            return true;
        }
    }
    return false;
}

asio::awaitable<void> ingest_lane::digest_batch()
{
    const auto strand = co_await asio::this_coro::executor;
    batch_.start_digests();
    for (;;) {
        bool done = false;
        {
            const auto busy = work_.batches.busy(stage::digest);
            const worker_pool::task_scope task(work_.owner.workers());
            timed_event told(work_.owner.observer(), event_kind::stage, "digest", batch_name);
            done = batch_.run(digest_turn_bytes);
            told.succeed(done ? batch_.size() : 0, done ? batch_.chunks() : 0); // with the last turn
        }
        if (done)
            break;
        co_await asio::post(strand, asio::use_awaitable);
    }
    work_.batches.count(stage::digest, batch_.size(), batch_.chunks());
    batch_.move_to(*report_, work_.known);
}

asio::awaitable<void> ingest_lane::read_large(large_file large)
{
    std::exception_ptr failure;
    std::unique_ptr<source> input;
    std::optional<file_stamp> stamp;
    std::shared_ptr<const known_file> known;
    bool there = false;
    file_handle again; // to see whether it was changed while it was read
    try {
        there = open_entry(large.entry, large.file);
        if (there)
            stamp = work_.known.stamp(large.file);
        if (stamp) {
            std::error_code undone;
            known = work_.known.find(*stamp);
            again = large.file.duplicate(undone);
        }
        if (there && !known)
            input = open_large(work_, large.entry.path, std::move(large.file));
    }
    catch (...) {
        failure = std::current_exception();
    }
    if (!there && !failure) {
        work_.skipped.fetch_add(1, std::memory_order_relaxed);
        co_return;
    }
    if (known) {
        co_await give_known(large.entry.path, *known);
        co_return;
    }
    known_file found;
    known_file* const wanted = again ? &found : nullptr;
    co_await pass_or_fail(std::move(large.entry.path), std::move(input), failure, wanted);
    if (found.complete)
        work_.known.put(*stamp, work_.known.stamp(again), std::move(found));
}

/// Says of a file what is known of it; in pieces, since the sink's pace bounds what is on its way.
asio::awaitable<void> ingest_lane::give_known(const std::string& path, const known_file& known)
{
    std::span<const chunk_record> rest = known.chunks;
    bool complete = false;
    while (!complete) {
        check_cancelled();
        co_await start_report();
        const auto part = rest.first(std::min(rest.size(), most_known_records));
        rest = rest.subspan(part.size());
        complete = rest.empty();
        report_->chunks.insert(report_->chunks.end(), part.begin(), part.end());
        report::item& item = report_->items.emplace_back();
        item.path = path;
        item.chunk_count = part.size();
        if (complete) {
            item.end = report::outcome::complete;
            item.file = known.file;
        }
        send_report();
    }
}

asio::awaitable<void> ingest_lane::read_special(std::string argument)
{
    const file_source_options options = file_options_of(work_);
    std::unique_ptr<source> input;
    std::exception_ptr failure;
    try {
        if (argument == "-")
            input = open_descriptor(work_.owner, STDIN_FILENO, argument, options);
        else
            input = open_file(work_.owner, argument, options);
    }
    catch (...) {
        failure = std::current_exception();
    }
    co_await pass_or_fail(std::move(argument), std::move(input), failure);
}

asio::awaitable<void> ingest_lane::pass_or_fail(std::string path, std::unique_ptr<source> input,
                                                std::exception_ptr failure, known_file* found)
{
    if (input) {
        co_await pass(std::move(path), std::move(input), found);
        co_return;
    }
    check_cancelled();
    co_await start_report();
    fail(std::move(path), failure);
}

asio::awaitable<void> ingest_lane::pass(std::string path, std::unique_ptr<source> input, known_file* found)
{
    stream_options options;
    std::exception_ptr failure;
    std::optional<chunk_stream> chunks;
    std::shared_ptr<stream_history> history;
    try {
        if (const auto* resumed = dynamic_cast<const resumable_source*>(input.get()))
            history = resumed->history();
        const auto size = history ? history->total_bytes() : input->size();
        options.chunker = chunker_for(work_.options.chunker, work_.options.sizes, size);
        options.hash = work_.options.hash;
        chunks.emplace(work_.owner, std::move(input), options);
        co_await pass_chunks(*chunks, path, found, history.get());
    }
    catch (...) {
        failure = std::current_exception();
    }
    if (chunks) {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await chunks->close();
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        work_.add_stages(chunks->statistics().stages);
    }
    if (!failure)
        co_return;
    check_cancelled();
    co_await start_report();
    fail(std::move(path), failure);
}

asio::awaitable<void> ingest_lane::pass_chunks(chunk_stream& chunks, const std::string& path, known_file* found,
                                               stream_history* history)
{
    merkle_tree tree(work_.options.hash);
    std::optional<hasher> whole;
    if (work_.options.file_digest && !history)
        whole.emplace(*work_.options.file_digest);
    file_record file;
    if (history)
        co_await give_history(path, *history, tree, file);
    const std::uint64_t start = file.size; // of the stream's first byte
    for (;;) {
        const std::span<chunk> batch = co_await chunks.next_batch();
        if (history)
            history->found(batch);
        if (history && batch.empty())
            file.whole = history->finish();
        co_await start_report();
        report::item& item = report_->items.emplace_back();
        item.path = path;
        item.chunk_count = batch.size();
        if (found && !work_.known.has_room(found->chunks.size() + batch.size()))
            found = nullptr;
        for (const chunk& each : batch) {
            if (found)
                found->chunks.push_back({each.offset, each.size(), each.digest});
            report_->chunks.push_back({start + each.offset, each.size(), each.digest});
            tree.add(each.digest, each.size());
            file.size += each.size();
            if (whole)
                for (const slice& part : each.content)
                    whole->update(part.span());
        }
        file.chunks += batch.size();
        if (batch.empty()) {
            file.root = tree.root();
            if (whole)
                file.whole = whole->finish();
            item.end = report::outcome::complete;
            item.file = file;
            if (found) {
                found->file = file;
                found->complete = true;
            }
        }
        send_report();
        if (batch.empty())
            co_return;
    }
}

/// Says of a stream what an earlier job has found, as if it had been found now.
asio::awaitable<void> ingest_lane::give_history(const std::string& path, stream_history& history, merkle_tree& tree,
                                                file_record& file)
{
    for (;;) {
        const std::span<const chunk_record> known = history.known();
        if (known.empty())
            co_return;
        check_cancelled();
        co_await start_report();
        report::item& item = report_->items.emplace_back();
        item.path = path;
        item.chunk_count = known.size();
        report_->chunks.insert(report_->chunks.end(), known.begin(), known.end());
        for (const chunk_record& each : known) {
            tree.add(each.digest, each.length);
            file.size += each.length;
        }
        file.chunks += known.size();
        send_report();
    }
}

asio::awaitable<void> ingest_lane::start_report()
{
    if (!report_)
        report_ = co_await work_.reports.take(index_);
}

void ingest_lane::send_report()
{
    report* const filled = std::exchange(report_, nullptr);
    if (filled->items.empty())
        work_.reports.put_back(filled);
    else
        work_.reports.send(filled);
}

void ingest_lane::fail(std::string path, std::exception_ptr failure)
{
    report_->add_failure(std::move(path), code_of(failure), message_of(failure));
}

void ingest_lane::check_cancelled() const
{
    // An engine that is shut down refuses every file: the job is over then, and no file is to blame.
    if (work_.cancelled || !work_.owner.accepting())
        throw boost::system::system_error(asio::error::operation_aborted);
}

} // namespace weir::detail
