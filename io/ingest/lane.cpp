#include "lane.hpp"

#include <weir/as_result.hpp>
#include <weir/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

ingest_lane::ingest_lane(ingest_work& work, std::size_t index) : work_(work), index_(index), batch_(work.options) {}

asio::awaitable<void> ingest_lane::run()
{
    const auto strand = co_await asio::this_coro::executor;
    archive_desk::seat mine(work_.archives);
    for (;;) {
        check_cancelled(); // also what came while a stream was closed
        entries_.clear();
        if (auto opened = work_.archives.find())
            co_await read_entries_of(std::move(opened));
        else if (work_.next_entries(entries_, urls_at_once_)) {
            if (!entries_.empty())
                co_await read_entries();
        }
        else if (!co_await mine.wait())
            break;
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
    held_.clear();
    archives_.clear();
    work_.archives.clear(); // a lane ends when there is none, or all end
    slots_.clear();
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
        co_await give_known(content_name(std::move(each.path)), *each.known);
    repeated_.clear();
    for (large_file& each : large_)
        co_await read_large(std::move(each));
    large_.clear();
    co_await read_held();
    for (large_file& each : archives_)
        co_await read_archive(std::move(each));
    archives_.clear();
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

/// The same from outside of a report that is being filled. Nothing is to blame where the job is over.
asio::awaitable<void> ingest_lane::tell_failure(std::string path, std::exception_ptr failure)
{
    check_cancelled();
    co_await start_report();
    fail(std::move(path), failure);
}

void ingest_lane::check_cancelled() const
{
    // An engine that is shut down refuses every file: the job is over then, and no file is to blame.
    if (work_.cancelled || !work_.owner.accepting())
        throw boost::system::system_error(asio::error::operation_aborted);
}

} // namespace weir::detail
