// One stream by several threads: its pieces are read in turn, encoded by whoever read them, and written in order.

#include <weir/parallel_encoding.hpp>

#include "parallel/ordered_threads.hpp"
#include "parallel/piece_format.hpp"

#include <weir/codec_pool.hpp>
#include <weir/error.hpp>
#include <weir/worker_pool.hpp>

#include <algorithm>
#include <utility>

namespace weir {
namespace codecs {

std::size_t thread_count(codec which, std::size_t threads)
{
    constexpr std::size_t most_threads = 1024;
    if (threads > most_threads)
        refuse_setting(which, "threads", "at most 1024 are possible");
    return threads == 0 ? default_worker_count() : threads;
}

namespace {

/// Where the pieces come from: asked for them in order, by one thread at a time.
class piece_reader {
public:
    virtual ~piece_reader() = default;
    /// The content of the next, and what comes before it. `before` is the one before, `place` memory to use.
    virtual piece read(const piece& before, slot_memory& place) = 0;
    /// Told of each piece, in order: nobody looks at its content any more. By another thread than the one that reads.
    virtual void release(std::span<const std::byte> /*content*/) {}
};

/// Called for them; keeps no more of what came before than one piece.
class called_reader final : public piece_reader {
public:
    called_reader(const piece_format& format, const content_reader& read) : format_(format), read_(read) {}

    piece read(const piece& before, slot_memory& place) override
    {
        const std::span<std::byte> all = place.take(format_.history_bytes() + format_.piece_bytes());
        const std::size_t count = std::min(before.content.size(), format_.history_bytes());
        const std::span<std::byte> history = all.first(format_.history_bytes()).last(count);
        std::ranges::copy(before.content.last(count), history.begin());
        const std::span<std::byte> room = all.subspan(format_.history_bytes());
        const std::size_t size = read_(room);
        return {history, room.first(size), false, size < room.size()};
    }

private:
    const piece_format& format_;
    const content_reader& read_;
};

/// All is there.
class span_reader final : public piece_reader {
public:
    span_reader(const piece_format& format, std::span<const std::byte> content, const content_release& release)
        : format_(format), content_(content), release_(release)
    {}

    piece read(const piece& /*before*/, slot_memory& /*place*/) override
    {
        const std::span<const std::byte> passed = content_.first(position_);
        const std::span<const std::byte> rest = content_.subspan(position_);
        const std::size_t size = std::min(rest.size(), format_.piece_bytes());
        position_ += size;
        return {passed.last(std::min(passed.size(), format_.history_bytes())), rest.first(size), false,
                size < format_.piece_bytes()};
    }

    void release(std::span<const std::byte> content) override
    {
        if (release_ && !content.empty())
            release_(content);
    }

private:
    const piece_format& format_;
    const std::span<const std::byte> content_;
    const content_release& release_;
    std::size_t position_ = 0;
};

class encoding_task {
public:
    /// A piece, before and after.
    struct item {
        slot_memory content; ///< behind what comes before it; unused where that is somewhere else
        slot_memory room;
        piece whole;
        encoded_piece encoded; ///< lies in `room`
    };

    encoding_task(piece_format& format, piece_reader& from, const stream_writer& write)
        : format_(format), read_from_(from), write_to_(write)
    {}

    parallel_totals run(std::size_t threads)
    {
        write(format_.head());
        ordered_threads(*this, threads).run();
        write(format_.tail());
        read_from_.release(written_);
        return totals_;
    }

    bool take(item& next)
    {
        if (before_.is_last)
            return false;
        const bool is_first = std::exchange(is_first_, false);
        next.whole = before_ = read_from_.read(before_, next.content);
        next.whole.is_first = is_first;
        return true;
    }

    std::unique_ptr<piece_encoder> make_worker() const { return format_.make_encoder(); }

    void work(piece_encoder& encoder, item& one) const
    {
        encoder.start(one.whole, one.room.take(format_.room_bytes()));
        while (!encoder.work(format_.piece_bytes())) {
        }
        one.encoded = encoder.result();
    }

    void pass_on(item& next)
    {
        format_.join(next.whole, next.encoded);
        totals_.consumed += next.whole.content.size();
        write(next.encoded.bytes);
        read_from_.release(std::exchange(written_, next.whole.content)); // that was the history of this one
    }

private:
    void write(std::span<const std::byte> bytes)
    {
        if (!bytes.empty())
            write_to_(bytes);
        totals_.produced += bytes.size();
    }

    piece_format& format_;   // `join`, `head` and `tail`: whoever passes on
    piece_reader& read_from_; // whoever takes
    piece before_;           // was taken last
    bool is_first_ = true;
    const stream_writer& write_to_;      // from here: whoever passes on
    parallel_totals totals_;
    std::span<const std::byte> written_; // what was written last
};

codec_pool& pool_of(const parallel_options& options)
{
    return options.contexts ? *options.contexts : codec_pool::common();
}

parallel_totals run(codec which, piece_format& format, const parallel_options& options, piece_reader& from,
                    const stream_writer& write)
{
    try {
        return encoding_task(format, from, write).run(thread_count(which, options.threads));
    }
    catch (const failure& why) {
        throw error(why.code, "encode", to_string(which), std::nullopt, why.why);
    }
}

} // namespace
} // namespace codecs

std::size_t piece_bytes_of(codec which, const encoder_settings& settings)
{
    return codecs::make_pieces(which, settings, 0, codec_pool::common())->piece_bytes();
}

std::size_t parallel_memory(codec which, const encoder_settings& settings, const parallel_options& options)
{
    const auto format = codecs::make_pieces(which, settings, options.piece_bytes, codecs::pool_of(options));
    const std::size_t of_a_slot = format->history_bytes() + format->piece_bytes() + format->room_bytes();
    const std::size_t threads = codecs::thread_count(which, options.threads);
    return threads * encoder_memory(which, settings) + codecs::slots_for(threads) * of_a_slot;
}

parallel_totals encode_parallel(codec which, const encoder_settings& settings, const parallel_options& options,
                                const content_reader& read, const stream_writer& write)
{
    const auto format = codecs::make_pieces(which, settings, options.piece_bytes, codecs::pool_of(options));
    codecs::called_reader from(*format, read);
    return codecs::run(which, *format, options, from, write);
}

parallel_totals encode_parallel(codec which, const encoder_settings& settings, const parallel_options& options,
                                std::span<const std::byte> content, const stream_writer& write,
                                const content_release& release)
{
    const auto format = codecs::make_pieces(which, settings, options.piece_bytes, codecs::pool_of(options));
    codecs::span_reader from(*format, content, release);
    return codecs::run(which, *format, options, from, write);
}

} // namespace weir
