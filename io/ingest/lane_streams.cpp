// The streams of a lane: each is cut and digested by all workers.

#include "lane.hpp"

#include <weir/as_result.hpp>
#include <weir/chunk_stream.hpp>
#include <weir/codec.hpp>
#include <weir/content_coding.hpp>
#include <weir/error.hpp>
#include <weir/memory_source.hpp>
#include <weir/merkle_tree.hpp>
#include <weir/open_archive.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

#include <unistd.h>

namespace weir::detail {

namespace asio = boost::asio;

asio::awaitable<void> ingest_lane::read_special(std::string argument)
{
    const file_source_options options = work_.file_options();
    stream from;
    from.is_plain = !work_.reads_archives_of_streams();
    std::exception_ptr failure;
    try {
        if (argument == "-")
            from.input = open_descriptor(work_.owner, STDIN_FILENO, argument, options);
        else
            from.input = open_file(work_.owner, argument, options);
    }
    catch (...) {
        failure = std::current_exception();
    }
    from.path = std::move(argument);
    if (from.input)
        co_await read_stream(std::move(from));
    else
        co_await pass_or_fail(content_name(std::move(from.path)), nullptr, failure);
}

std::shared_ptr<const std::vector<std::byte>> ingest_lane::copy_of(const slice& content)
{
    return std::make_shared<const std::vector<std::byte>>(content.begin(), content.end());
}

asio::awaitable<void> ingest_lane::read_held()
{
    for (held_content& each : held_) {
        stream from;
        from.input = std::make_unique<memory_source>(*each.content, each.content, each.path);
        from.path = std::move(each.path);
        from.content_codings = std::move(each.content_codings);
        from.is_plain = each.is_plain;
        co_await read_stream(std::move(from));
    }
    held_.clear();
}

/// Reads it by its entries, decoded, or as it is.
asio::awaitable<void> ingest_lane::read_stream(stream from)
{
    const bool is_resumed = dynamic_cast<const resumable_source*>(from.input.get()) != nullptr;
    const bool is_looked_at = !is_resumed && (!from.is_plain || work_.options.decode);
    content_name name(from.path);
    if (is_resumed && work_.options.decode) {
        const error refused(errc::bad_configuration, "decode", name.path, std::nullopt, "it cannot be resumed");
        co_await pass_or_fail(std::move(name), nullptr, std::make_exception_ptr(refused));
        co_return;
    }
    result<void> looked;
    if (is_looked_at)
        looked = co_await as_result(look(from, name));
    if (!looked)
        co_await pass_or_fail(std::move(name), nullptr, looked.exception());
    else if (is_looked_at && !from.is_plain)
        co_await read_archive(std::move(name.path), std::move(from.input));
    else
        co_await pass(std::move(name), std::move(from.input), nullptr);
}

/// Finds out what it is, and puts what is to be read of it in its place.
asio::awaitable<void> ingest_lane::look(stream& from, content_name& name)
{
    const std::optional<decoding_options>& decode = work_.options.decode;
    if (decode)
        from.input = decode_content(work_.owner, std::move(from.input), from.content_codings, *decode);
    auto input = std::make_unique<codecs::peeked_source>(std::move(from.input));
    if (!from.is_plain)
        from.is_plain = !co_await holds_archive(*input, from.path);
    if (!from.is_plain || !decode) {
        from.input = std::move(input);
        co_return;
    }
    const std::span<const std::byte> start = co_await codecs::look_for_codec(*input);
    name.codec = work_.codec_of(start);
    decoding_options how = *decode;
    how.pass_unknown |= !from.content_codings.empty(); // it was compressed, at least on the way
    from.input = decode_whole(work_.owner, std::move(input), {}, how);
}

/// As `judge_archive`, with no more of it than that takes.
asio::awaitable<bool> ingest_lane::holds_archive(codecs::peeked_source& input, std::string_view name) const
{
    if (!is_url(name))
        name = {}; // that of a pipe tells nothing
    archive_verdict found = archive_verdict::undecided;
    for (std::size_t wanted = archive_magic_bytes; found == archive_verdict::undecided; wanted = next_archive_look(wanted)) {
        const std::span<const std::byte> start = co_await input.look(wanted);
        found = work_.judge_archive(name, start, start.size() < wanted);
    }
    co_return found == archive_verdict::archive;
}

asio::awaitable<void> ingest_lane::pass_or_fail(content_name name, std::unique_ptr<source> input,
                                                std::exception_ptr failure, known_file* found)
{
    if (input)
        co_await pass(std::move(name), std::move(input), found);
    else
        co_await tell_failure(std::move(name.path), failure);
}

asio::awaitable<void> ingest_lane::pass(content_name name, std::unique_ptr<source> input, known_file* found)
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
        co_await pass_chunks(*chunks, name, found, history.get());
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
    if (failure)
        co_await tell_failure(std::move(name.path), failure);
}

asio::awaitable<void> ingest_lane::pass_chunks(chunk_stream& chunks, const content_name& name, known_file* found,
                                               stream_history* history)
{
    merkle_tree tree(work_.options.hash);
    std::optional<hasher> whole;
    if (work_.options.file_digest && !history)
        whole.emplace(*work_.options.file_digest);
    file_record file;
    if (history)
        co_await give_history(name, *history, tree, file);
    const std::uint64_t start = file.size; // of the stream's first byte
    for (;;) {
        const std::span<chunk> batch = co_await chunks.next_batch();
        if (history)
            history->found(batch);
        if (history && batch.empty())
            file.whole = history->finish();
        if (found && !work_.known.has_room(found->chunks.size() + batch.size()))
            found = nullptr;
        for (const chunk& each : batch) {
            if (found)
                found->chunks.push_back({each.offset, each.size(), each.digest});
            tree.add(each.digest, each.size());
            file.size += each.size();
            if (whole)
                for (const slice& part : each.content)
                    whole->update(part.span());
        }
        co_await start_report();
        report_->chunks.reserve(report_->chunks.size() + batch.size()); // first: records and their count agree
        report::item& item = report_->items.emplace_back();
        item.name = name;
        item.chunk_count = batch.size();
        for (const chunk& each : batch)
            report_->chunks.push_back({start + each.offset, each.size(), each.digest});
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
asio::awaitable<void> ingest_lane::give_history(const content_name& name, stream_history& history, merkle_tree& tree,
                                                file_record& file)
{
    for (;;) {
        const std::span<const chunk_record> known = history.known();
        if (known.empty())
            co_return;
        check_cancelled();
        for (const chunk_record& each : known) {
            tree.add(each.digest, each.length);
            file.size += each.length;
        }
        co_await start_report();
        report_->chunks.reserve(report_->chunks.size() + known.size()); // as above
        report::item& item = report_->items.emplace_back();
        item.name = name;
        item.chunk_count = known.size();
        report_->chunks.insert(report_->chunks.end(), known.begin(), known.end());
        file.chunks += known.size();
        send_report();
    }
}

} // namespace weir::detail
