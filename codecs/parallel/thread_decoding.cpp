// One stream by several threads: its pieces are found in turn, decoded by whoever found them, and given in order.
//
// It takes two to judge. The pieces' way ends at the first thing that is not as it should be, without a word; the
// decoder of whole streams then goes over all of it again, gives what was not given, and says what is wrong. So both
// ways have one outcome, and pieces need no messages.

#include <weir/parallel_decoding.hpp>

#include "compression/ratio.hpp"
#include "parallel/ordered_threads.hpp"
#include "parallel/piece_scanner.hpp"

#include <weir/codec_pool.hpp>
#include <weir/decoder.hpp>

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

namespace weir {
namespace codecs {
namespace {

constexpr std::size_t least_limit = std::size_t{64} << 10;       // what blocks of lz4 and members of BGZF may have
constexpr std::size_t input_step_bytes = std::size_t{256} << 10; // that are let go at a time, at least
constexpr std::size_t most_extra_bytes = std::size_t{1} << 20;   // that a piece may have beyond twice its content
constexpr std::uint64_t most_small_pieces = 64;                  // before their size counts
constexpr std::uint64_t small_piece_bytes = std::size_t{16} << 10;

/// Gives up where there is not enough memory: one thread does with less.
template <class Work> auto with_memory(Work work)
{
    try {
        return work();
    }
    catch (const std::bad_alloc&) {
        give_up();
    }
}

class decoding_task {
public:
    struct item {
        slot_memory copy; ///< of the piece's bytes: libraries trust that theirs do not change, and files may
        slot_memory room;
        coded_piece piece;
        std::span<const std::byte> content; ///< lies in `room`
    };

    decoding_task(piece_scanner& scanner, const decoder_settings& limits, std::span<const std::byte> stream,
                  const stream_writer& write, const content_release& release)
        : scanner_(scanner), limits_(limits), stream_(stream), write_to_(write), release_(release)
    {}

    bool take(item& next)
    {
        return with_memory([&] {
            const std::optional<coded_piece> found = scanner_.next();
            if (!found)
                return false;
            if (found->bytes.size() == stream_.size())
                give_up(); // of one piece: it need not lie in memory
            if (found->bytes.size() > most_extra_bytes && (found->bytes.size() - most_extra_bytes) / 2 > found->room)
                give_up(); // of what has no content, such as skippable frames of gigabytes
            ++pieces_;
            rooms_ += found->room;
            if (pieces_ > most_small_pieces && rooms_ < pieces_ * small_piece_bytes)
                give_up(); // so small that handing them around costs more than it gives
            next.piece = *found;
            return true;
        });
    }

    std::unique_ptr<piece_decoder> make_worker() const
    {
        return with_memory([&] { return scanner_.make_decoder(); });
    }

    void work(piece_decoder& decoder, item& one) const
    {
        with_memory([&] {
            coded_piece copied = one.piece;
            const std::span<std::byte> copy = one.copy.take(copied.bytes.size());
            std::ranges::copy(copied.bytes, copy.begin());
            copied.bytes = copy;
            const std::span<std::byte> room = one.room.take(copied.room);
            one.content = room.first(decoder.decode(copied, room));
        });
    }

    void pass_on(item& next)
    {
        scanner_.check(next.piece, next.content);
        const std::uint64_t produced = produced_ + next.content.size();
        if (produced > std::min(limits_.max_output_bytes, ratio_allows(limits_, consumed_)))
            give_up();
        try {
            if (!next.content.empty())
                write_to_(next.content);
            produced_ = produced;
            consumed_ = static_cast<std::size_t>(next.piece.bytes.data() + next.piece.bytes.size() - stream_.data());
            if (consumed_ - released_ >= input_step_bytes)
                release_until(consumed_);
        }
        catch (...) {
            refused_ = std::current_exception();
            throw;
        }
    }

    /// After the last piece.
    void finish() { release_until(stream_.size()); }

    /// What was written of the content, if nothing was thrown by who takes it.
    [[nodiscard]] std::uint64_t produced() const
    {
        if (refused_)
            std::rethrow_exception(refused_);
        return produced_;
    }

private:
    void release_until(std::size_t end)
    {
        const std::span<const std::byte> done = stream_.first(end).subspan(std::exchange(released_, end));
        if (release_ && !done.empty())
            release_(done);
    }

    piece_scanner& scanner_; // `check`: whoever passes on; `next`: whoever takes
    const decoder_settings& limits_;
    const std::span<const std::byte> stream_;
    std::uint64_t pieces_ = 0; // this and the next: whoever takes
    std::uint64_t rooms_ = 0;
    const stream_writer& write_to_; // this and what follows: whoever passes on
    const content_release& release_;
    std::size_t consumed_ = 0; // bytes of the stream
    std::size_t released_ = 0;
    std::uint64_t produced_ = 0;
    std::exception_ptr refused_;
};

/// By the calling thread. `given`: what of the content was written before.
parallel_totals decode_as_one(codec which, const decoder_settings& settings, const parallel_decoding_options& options,
                              codec_pool& contexts, std::span<const std::byte> content, std::uint64_t given,
                              const stream_writer& write, const content_release& release)
{
    decoder coder(which, settings, contexts);
    coder.set_subject(options.subject);
    slot_memory copy;
    slot_memory output;
    const std::span<std::byte> room = output.take(output_step_bytes);
    const auto pull_all = [&] {
        while (const std::size_t count = coder.pull(room)) {
            const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(given, count));
            given -= known;
            if (known < count)
                write(room.first(count).subspan(known));
        }
    };
    while (!content.empty() && !coder.ended()) {
        const std::span<const std::byte> piece = content.first(std::min(content.size(), input_step_bytes));
        const std::span<std::byte> copied = copy.take(piece.size());
        std::ranges::copy(piece, copied.begin());
        coder.push(copied);
        pull_all();
        if (release)
            release(piece);
        content = content.subspan(piece.size());
    }
    if (!coder.ended())
        coder.finish();
    pull_all();
    return {coder.consumed(), coder.produced()};
}

} // namespace
} // namespace codecs

parallel_totals decode_parallel(codec which, const decoder_settings& settings, const parallel_decoding_options& options,
                                std::span<const std::byte> content, const stream_writer& write,
                                const content_release& release)
{
    using namespace codecs;
    if (options.max_piece_bytes < least_limit)
        refuse_setting(which, "pieces", "of less than 64 KiB are not possible");
    const std::size_t threads = thread_count(which, options.threads);
    codec_pool& contexts = options.contexts ? *options.contexts : codec_pool::common();
    std::uint64_t given = 0;
    const bool may_have_pieces = threads > 1 && settings.concatenated && (settings.dictionary.empty() || which == codec::zstd);
    const auto scanner = may_have_pieces
        ? make_scanner(which, content, {settings, options.max_piece_bytes, contexts.contexts()})
        : nullptr;
    if (scanner && !content.empty()) {
        decoding_task task(*scanner, settings, content, write, release);
        try {
            ordered_threads(task, threads).run();
            task.finish();
            return {content.size(), task.produced()};
        }
        catch (const codecs::failure&) {
            given = task.produced();
        }
    }
    return decode_as_one(which, settings, options, contexts, content, given, write, release);
}

} // namespace weir
