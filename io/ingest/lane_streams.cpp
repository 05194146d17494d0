// The streams of a lane: each is cut and digested by all workers.

#include "lane.hpp"

#include <weir/chunk_stream.hpp>
#include <weir/content_coding.hpp>
#include <weir/error.hpp>
#include <weir/memory_source.hpp>
#include <weir/merkle_tree.hpp>

#include <boost/asio/this_coro.hpp>

#include <utility>

#include <unistd.h>

namespace weir::detail {

namespace asio = boost::asio;

asio::awaitable<void> ingest_lane::read_special(std::string argument)
{
    const file_source_options options = work_.file_options();
    std::unique_ptr<source> input;
    std::exception_ptr failure;
    try {
        if (argument == "-")
            input = decoded(open_descriptor(work_.owner, STDIN_FILENO, argument, options));
        else
            input = decoded(open_file(work_.owner, argument, options));
    }
    catch (...) {
        failure = std::current_exception();
    }
    co_await pass_or_fail(std::move(argument), std::move(input), failure);
}

std::shared_ptr<const std::vector<std::byte>> ingest_lane::copy_of(const slice& content)
{
    return std::make_shared<const std::vector<std::byte>>(content.begin(), content.end());
}

asio::awaitable<void> ingest_lane::read_coded()
{
    for (coded_file& each : coded_) {
        auto content = std::make_unique<memory_source>(*each.content, each.content, each.path);
        co_await pass_decoded(each.path, std::move(content), std::move(each.content_codings));
    }
    coded_.clear();
}

asio::awaitable<void> ingest_lane::pass_decoded(std::string path, std::unique_ptr<source> input,
                                                std::vector<std::string> content_codings)
{
    std::exception_ptr failure;
    try {
        input = decoded(std::move(input), content_codings);
    }
    catch (...) {
        failure = std::current_exception();
        input.reset();
    }
    co_await pass_or_fail(std::move(path), std::move(input), failure);
}

/// What is read in place of `input`.
std::unique_ptr<source> ingest_lane::decoded(std::unique_ptr<source> input, std::span<const std::string> content_codings)
{
    if (!work_.options.decode)
        return input;
    if (dynamic_cast<const resumable_source*>(input.get()))
        throw error(errc::bad_configuration, "decode", input->name(), std::nullopt, "it cannot be resumed");
    return decode_whole(work_.owner, std::move(input), content_codings, *work_.options.decode);
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
        // Here, not in a function of its own: a coroutine that is cancelled begins no other.
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

} // namespace weir::detail
