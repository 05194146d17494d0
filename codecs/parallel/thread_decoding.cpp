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
#include <new>

namespace weir {
namespace codecs {
namespace {

constexpr std::size_t least_piece_bytes = std::size_t{64} << 10; // what blocks of lz4 and members of BGZF may have
constexpr std::size_t input_bytes = std::size_t{256} << 10;      // of one thread, between two releases
constexpr std::size_t output_bytes = std::size_t{256} << 10;

class decoding_task {
public:
    struct item {
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
        const std::optional<coded_piece> found = scanner_.next();
        if (!found)
            return false;
        if (found->bytes.size() == stream_.size())
            give_up(); // of one piece: it need not lie in memory
        next.piece = *found;
        return true;
    }

    std::unique_ptr<piece_decoder> make_worker() const { return scanner_.make_decoder(); }

    void work(piece_decoder& decoder, item& one) const
    {
        try {
            const std::span<std::byte> room = one.room.take(one.piece.room);
            one.content = room.first(decoder.decode(one.piece, room));
        }
        catch (const std::bad_alloc&) { // one thread does with less
            give_up();
        }
    }

    void pass_on(item& next)
    {
        const std::uint64_t before = consumed();
        scanner_.check(next.piece, next.content);
        const std::uint64_t produced = produced_ + next.content.size();
        if (produced > std::min(limits_.max_output_bytes, ratio_allows(limits_, before)))
            give_up();
        if (!next.content.empty())
            write_to_(next.content);
        produced_ = produced;
        release_until(next.piece.bytes.data() + next.piece.bytes.size());
    }

    /// After the last piece.
    void finish() { release_until(stream_.data() + stream_.size()); }

    [[nodiscard]] std::uint64_t consumed() const noexcept { return stream_.size() - rest_.size(); }
    [[nodiscard]] std::uint64_t produced() const noexcept { return produced_; }

private:
    void release_until(const std::byte* end)
    {
        const std::span<const std::byte> done = rest_.first(static_cast<std::size_t>(end - rest_.data()));
        rest_ = rest_.subspan(done.size());
        if (release_ && !done.empty())
            release_(done);
    }

    piece_scanner& scanner_; // `check`: whoever passes on; `next`: whoever takes
    const decoder_settings& limits_;
    const std::span<const std::byte> stream_;
    const stream_writer& write_to_; // this and what follows: whoever passes on
    const content_release& release_;
    std::span<const std::byte> rest_ = stream_;
    std::uint64_t produced_ = 0;
};

/// By the calling thread. `given`: what of the content was written before.
parallel_totals decode_as_one(codec which, const decoder_settings& settings, const parallel_decoding_options& options,
                              codec_pool& contexts, std::span<const std::byte> content, std::uint64_t given,
                              const stream_writer& write, const content_release& release)
{
    decoder coder(which, settings, contexts);
    coder.set_subject(options.subject);
    const auto memory = std::make_unique_for_overwrite<std::byte[]>(output_bytes);
    const std::span<std::byte> room(memory.get(), output_bytes);
    const auto pull_all = [&] {
        while (const std::size_t count = coder.pull(room)) {
            const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(given, count));
            given -= known;
            if (known < count)
                write(room.first(count).subspan(known));
        }
    };
    while (!content.empty() && !coder.ended()) {
        const std::span<const std::byte> piece = content.first(std::min(content.size(), input_bytes));
        coder.push(piece);
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
    if (options.max_piece_bytes < least_piece_bytes)
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
        catch (const failure&) {
            given = task.produced();
        }
    }
    return decode_as_one(which, settings, options, contexts, content, given, write, release);
}

} // namespace weir
