// The files of a lane: small ones are read and digested together, large ones have a stream each.

#include "lane.hpp"

#include "files/durable_file.hpp"
#include "files/small_files.hpp"

#include <weir/codec.hpp>
#include <weir/content_coding.hpp>
#include <weir/error.hpp>
#include <weir/open_archive.hpp>
#include <weir/observer.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>
#include <vector>

#include <sys/uio.h>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

// A file of up to so many blocks joins the batch; a larger one has a stream of its own.
constexpr std::size_t medium_blocks = 4;
// Blocks for such files beside the slots of the small ones.
constexpr std::size_t batch_blocks = 2 * medium_blocks;
// Of the files that wait for a stream.
constexpr std::size_t most_open_files = 8;
constexpr std::size_t digest_turn_bytes = std::size_t{2} << 20;
constexpr std::size_t most_known_records = 4096; // in one report

std::unique_ptr<source> open_large(const ingest_work& work, const std::string& path, file_handle file)
{
    file_source_options options = work.file_options();
    if (work.options.memory_map_threshold != 0 && file.info(path).size >= work.options.memory_map_threshold)
        options.backend = backend::mmap;
    return open_file(work.owner, std::move(file), path, options);
}

/// What tells a codec.
class file_start {
public:
    explicit file_start(const file_handle& file)
    {
        std::error_code ignored; // the one who reads on will see it too
        for (std::size_t wanted = codec_magic_bytes; bytes_.size() < wanted; wanted = bytes_to_detect_codec(bytes_)) {
            bytes_.resize(wanted);
            bytes_.resize(read_at(file, 0, bytes_, ignored));
            if (bytes_.size() < wanted)
                break;
        }
    }
    [[nodiscard]] std::span<const std::byte> span() const noexcept { return bytes_; }

private:
    std::vector<std::byte> bytes_;
};

bool is_coded(const ingest_work& work, const file_handle& file)
{
    return work.options.decode && work.is_coded(file_start(file).span());
}

bool is_archive(const ingest_work& work, const tree_entry& entry, const file_handle& file)
{
    if (!work.reads_archives(entry))
        return false;
    archive_verdict found = archive_verdict::undecided;
    std::vector<std::byte> start;
    for (std::size_t wanted = archive_magic_bytes; found == archive_verdict::undecided; wanted = next_archive_look(wanted)) {
        std::error_code ignored; // the one who reads on will see it too
        start.resize(wanted);
        start.resize(read_at(file, 0, start, ignored));
        found = work.judge_archive(entry.path, start, start.size() < wanted);
    }
    return found == archive_verdict::archive;
}

enum class reading { ended, filled, failed };

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
            large_.push_back({std::move(each)});
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
        const slice content = std::move(slot).freeze();
        if (work_.reads_archives(entry) && work_.judge_archive(entry.path, content.span(), true) == archive_verdict::archive)
            archives_.push_back({std::move(entry)});
        else if (work_.is_coded(content.span()))
            held_.push_back({std::move(entry.path), copy_of(content), {}});
        else
            batch_.add(content_name(std::move(entry.path)), bytes(content));
        return;
    }
    case small_file::outcome::failed: {
        if (result.error == std::errc::too_many_files_open) { // it is tried again when those of the batch are closed
            large_.push_back({std::move(entry)});
            return;
        }
        const error failure(result.error, result.file ? "read" : "open", entry.path);
        report_->add_failure(std::move(entry.path), failure.code(), failure.what());
        result.file.close(); // before the others of the batch are opened by other ways
        return;
    }
    case small_file::outcome::skipped: work_.skipped.fetch_add(1, std::memory_order_relaxed); return;
    case small_file::outcome::large:
        slot = buffer();
        if (is_archive(work_, entry, result.file)) {
            if (archives_.size() >= most_open_files)
                result.file.close();
            archives_.push_back({std::move(entry), std::move(result.file)});
            return;
        }
        std::error_code unknown;
        const file_info info = result.file.info(unknown);
        const std::optional<file_stamp> stamp = unknown ? std::nullopt : work_.known.stamp(info);
        if (auto known = stamp ? work_.known.find(*stamp) : nullptr) {
            repeated_.push_back({std::move(entry.path), std::move(known)});
            return;
        }
        if (!is_coded(work_, result.file) && add_medium(entry, result.file, info.size, stamp))
            return;
        if (large_.size() >= most_open_files)
            result.file.close();
        large_.push_back({std::move(entry), std::move(result.file), true});
    }
}

/// Reads a file of a few blocks whole, if it is cached and there is memory; otherwise nothing happened.
bool ingest_lane::add_medium(tree_entry& entry, const file_handle& file, std::uint64_t size,
                             const std::optional<file_stamp>& stamp)
{
    if (!batch_.has_room_for(size))
        return false;
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
            batch_.add(content_name(std::move(entry.path)), content, unchanged ? stamp : std::nullopt);
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
    content_name name(large.entry.path);
    file_handle again; // to see whether it was changed while it was read
    try {
        there = open_entry(large.entry, large.file);
        if (there && !large.is_plain && is_archive(work_, large.entry, large.file)) {
            archives_.push_back(std::move(large));
            co_return;
        }
        if (there)
            stamp = work_.known.stamp(large.file);
        if (stamp) {
            std::error_code undone;
            known = work_.known.find(*stamp);
            again = large.file.duplicate(undone);
        }
        if (there && !known) {
            const bool coded = is_coded(work_, large.file);
            if (coded)
                name.codec = work_.codec_of(file_start(large.file).span());
            input = open_large(work_, name.path, std::move(large.file));
            if (coded)
                input = decode_whole(work_.owner, std::move(input), {}, *work_.options.decode);
        }
    }
    catch (...) {
        failure = std::current_exception();
    }
    if (!there && !failure) {
        work_.skipped.fetch_add(1, std::memory_order_relaxed);
        co_return;
    }
    if (known) {
        co_await give_known(std::move(name), *known);
        co_return;
    }
    known_file found;
    found.file.codec = name.codec;
    known_file* const wanted = again ? &found : nullptr;
    co_await pass_or_fail(std::move(name), std::move(input), failure, wanted);
    if (found.complete)
        work_.known.put(*stamp, work_.known.stamp(again), std::move(found));
}

/// Says of a file what is known of it; in pieces, since the sink's pace bounds what is on its way.
asio::awaitable<void> ingest_lane::give_known(content_name name, const known_file& known)
{
    name.codec = known.file.codec;
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
        item.name = name;
        item.chunk_count = part.size();
        if (complete) {
            item.end = report::outcome::complete;
            item.file = known.file;
        }
        send_report();
    }
}

} // namespace weir::detail
