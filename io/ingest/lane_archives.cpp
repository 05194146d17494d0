// The archives of a lane: small entries join a batch, larger ones have a stream each.

#include "lane.hpp"

#include "flow/fair_turns.hpp"

#include <weir/as_result.hpp>
#include <weir/codec_settings.hpp>
#include <weir/error.hpp>
#include <weir/open_archive.hpp>
#include <weir/random_access.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

// Of an archive whose entries are read side by side: what a lane takes at a time.
constexpr std::size_t entries_at_once = 32;
// Of a reader of entries for the batch.
constexpr std::size_t reading_blocks = 2;
// An entry of up to so many slots joins the batch; a larger one has a stream of its own.
constexpr std::size_t most_entry_slots = 32;
// Of entries that were refused, before they are told: each may have a name of 64 KiB.
constexpr std::size_t most_reported = 64;
// Of contents in a batch: many messages for the hash, and no more than is decoded meanwhile.
constexpr std::size_t enough_batch_bytes = std::size_t{1} << 20;

/// Reads all, into one buffer after the other.
asio::awaitable<void> read_whole(source& from, reservation& memory, std::span<buffer> into)
{
    std::uint64_t position = 0;
    for (;;) {
        while (!into.empty() && into.front().spare().empty())
            into = into.subspan(1);
        // Also behind the last, to see that it is.
        const std::size_t wanted = into.empty() ? 1 : into.front().spare().size();
        const bytes piece = co_await from.read(memory, wanted);
        if (piece.empty())
            co_return;
        if (into.empty())
            throw error(errc::corrupt_data, "read", from.name(), position, "it has more than its archive says");
        piece.copy_to(into.front().spare());
        into.front().commit(piece.size());
        position += piece.size();
    }
}

} // namespace

/// Opens the archive that a file was seen to be, for several lanes where it can be read by them.
asio::awaitable<void> ingest_lane::read_archive(large_file file)
{
    result<std::unique_ptr<archive>> found = co_await as_result(open(file));
    if (found && !*found) {
        work_.skipped.fetch_add(1, std::memory_order_relaxed);
        co_return;
    }
    co_await read_opened(std::move(file.entry.path), std::move(found));
}

/// The same for what was seen to be one as a stream.
asio::awaitable<void> ingest_lane::read_archive(std::string path, std::unique_ptr<source> input)
{
    result<std::unique_ptr<archive>> found =
        co_await as_result(open_archive(work_.owner, std::move(input), work_.options.archive));
    co_await read_opened(std::move(path), std::move(found));
}

asio::awaitable<void> ingest_lane::read_opened(std::string path, result<std::unique_ptr<archive>> found)
{
    if (!found) {
        co_await tell_failure(std::move(path), found.exception());
        co_return;
    }
    const auto opened = std::make_shared<shared_archive>(std::move(path), std::move(found).value());
    if (opened->content().reads_in_any_order()) {
        work_.archives.offer(opened);
        co_await read_entries_of(opened); // it goes with the last lane
    }
    else {
        co_await read_and_close(opened);
    }
}

asio::awaitable<void> ingest_lane::read_and_close(std::shared_ptr<shared_archive> from)
{
    std::exception_ptr failure;
    try {
        co_await read_entries_of(from);
    }
    catch (...) {
        failure = std::current_exception();
    }
    // Here, not in a function of its own: a coroutine that is cancelled begins no other.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await from->content().close();
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    if (failure)
        std::rethrow_exception(failure);
}

/// \returns  null where something else stands in its place by now
asio::awaitable<std::unique_ptr<archive>> ingest_lane::open(large_file& from)
{
    std::unique_ptr<archive> opened;
    if (open_entry(from.entry, from.file)) {
        auto input = open_random_access(work_.owner, std::move(from.file), from.entry.path, work_.file_options());
        opened = co_await open_archive(work_.owner, std::move(input), work_.options.archive);
    }
    co_return opened;
}

asio::awaitable<void> ingest_lane::read_entries_of(std::shared_ptr<shared_archive> from)
{
    const std::size_t most = from->content().reads_in_any_order() ? entries_at_once : 1;
    fair_turns turns;
    std::vector<archive_entry> entries;
    do {
        if (turns.is_over()) // where nothing is read of entries, nothing waits
            co_await turns.give_way();
        check_cancelled();
        entries.clear();
        const result<void> taken = co_await as_result(from->take(entries, most));
        for (const archive_entry& each : entries) {
            co_await read_entry(*from, each);
            if (report_ && report_->items.size() >= most_reported)
                send_report();
        }
        if (!taken)
            co_await tell_failure(from->path(), taken.exception());
    } while (!entries.empty());
    work_.archives.withdraw(from);
    co_await digest_slots();
}

asio::awaitable<void> ingest_lane::read_entry(shared_archive& from, const archive_entry& entry)
{
    std::exception_ptr failure = entry.refusal;
    if (!failure && entry.type != archive_entry_type::file) {
        if (entry.type != archive_entry_type::directory) // what a link leads to is told under its own name
            work_.skipped.fetch_add(1, std::memory_order_relaxed);
        co_return;
    }
    std::unique_ptr<source> input;
    try {
        if (!failure)
            input = from.content().open(entry);
    }
    catch (...) {
        failure = std::current_exception();
    }
    const std::uint64_t size = input ? entry.size.value_or(unlimited) : unlimited;
    std::vector<buffer> room = room_for(size);
    if (room.empty()) {
        co_await digest_slots();
        room = room_for(size);
    }
    if (!room.empty()) {
        co_await add_entry(from.name_of(entry), std::move(input), std::move(room));
        co_return;
    }
    co_await pass_or_fail(from.name_of(entry), std::move(input), failure);
}

/// Memory of the batch for an entry; empty if it is too large for that, or there is none now.
std::vector<buffer> ingest_lane::room_for(std::uint64_t bytes)
{
    std::vector<buffer> room;
    if (bytes > most_entry_slots * slot_bytes)
        return room;
    if (batch_.empty() && slots_.empty())
        slots_ = reserve_slots(std::max(work_.options.batch_files, 2 * most_entry_slots), reading_blocks);
    const std::size_t wanted = std::max<std::size_t>((bytes + slot_bytes - 1) / slot_bytes, 1);
    if (wanted <= slots_.size()) {
        const auto first = slots_.end() - static_cast<std::ptrdiff_t>(wanted);
        room.assign(std::move_iterator(first), std::move_iterator(slots_.end()));
        slots_.erase(first, slots_.end());
    }
    return room;
}

/// \param room  of the batch, for all of it
asio::awaitable<void> ingest_lane::add_entry(content_name name, std::unique_ptr<source> input, std::vector<buffer> room)
{
    const result<void> got = co_await as_result(read_whole(*input, *memory_, room));
    // Here, not in a function of its own: a coroutine that is cancelled begins no other.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await input->close();
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    if (!got) {
        co_await tell_failure(std::move(name.path), got.exception());
        co_return;
    }
    bytes content;
    for (buffer& each : room)
        content.append(std::move(each).freeze());
    work_.batches.count(stage::read, content.size(), 1);
    batch_.add(std::move(name), content);
    if (slots_.empty() || batch_.size() >= enough_batch_bytes)
        co_await digest_slots();
}

/// Digests what is in the slots, and gives them back: none is held while a stream waits for memory.
asio::awaitable<void> ingest_lane::digest_slots()
{
    slots_.clear();
    if (!batch_.empty()) {
        co_await start_report();
        co_await digest_batch();
        send_report();
    }
    memory_.reset();
}

} // namespace weir::detail
