// One stream by several threads that all do the same: read the next piece, encode it, write what is next.
//
//   read in turn -> slot -> encoded by whoever read it -> written in order by whoever has the next
//
// No thread hands a piece to another but to write it, so pieces stay in the cache of their core. The slots are a ring:
// a piece is read only when there is one for it, so that one slow piece cannot pile up those behind it.

#include <weir/parallel_encoding.hpp>

#include "parallel/piece_format.hpp"

#include <weir/codec_pool.hpp>
#include <weir/error.hpp>
#include <weir/worker_pool.hpp>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace weir {
namespace codecs {
namespace {

constexpr std::size_t most_threads = 1024;

std::size_t slots_for(std::size_t threads) noexcept { return threads + (threads + 1) / 2; }

using memory = std::unique_ptr<std::byte[]>;

/// Made where it is not there.
std::span<std::byte> memory_in(memory& place, std::size_t bytes)
{
    if (!place)
        place = std::make_unique_for_overwrite<std::byte[]>(bytes);
    return {place.get(), bytes};
}

/// A piece, before and after.
struct slot {
    memory content; ///< behind what comes before it; none where that is somewhere else
    memory room;
    std::uint64_t number = 0;
    piece whole;
    encoded_piece encoded; ///< lies in `room`
    bool is_encoded = false;
};

/// Where the pieces come from: asked for them in order, by one thread at a time.
class piece_reader {
public:
    virtual ~piece_reader() = default;
    /// The content of the next, and what comes before it. `before` is the one before, `place` memory to use.
    virtual piece read(const piece& before, memory& place) = 0;
    /// Told of each piece, in order: nobody looks at its content any more. By another thread than the one that reads.
    virtual void release(std::span<const std::byte> /*content*/) {}
};

/// Called for them; keeps no more of what came before than one piece.
class called_reader final : public piece_reader {
public:
    called_reader(const piece_format& format, const content_reader& read) : format_(format), read_(read) {}

    piece read(const piece& before, memory& place) override
    {
        const std::span<std::byte> all = memory_in(place, format_.history_bytes() + format_.piece_bytes());
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

    piece read(const piece& /*before*/, memory& /*place*/) override
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

class thread_encoding {
public:
    thread_encoding(piece_format& format, std::size_t threads, piece_reader& from, const stream_writer& write)
        : format_(format), read_from_(from), write_to_(write), slots_(slots_for(threads)), threads_(threads)
    {}

    parallel_totals run()
    {
        write(format_.head());
        {
            std::vector<std::jthread> others;
            start(others);
            work();
        }
        if (failure_)
            std::rethrow_exception(failure_);
        write(format_.tail());
        read_from_.release(written_);
        return totals_;
    }

private:
    void start(std::vector<std::jthread>& others)
    {
        others.reserve(threads_ - 1);
        try {
            while (others.size() + 1 < threads_)
                others.emplace_back([this] { work(); });
        }
        catch (const std::system_error&) { // there may be no more of them: fewer do it too
        }
    }

    void work() noexcept
    {
        try {
            const std::unique_ptr<piece_encoder> encoder = format_.make_encoder();
            while (slot* const next = read_next()) {
                encoder->start(next->whole, memory_in(next->room, format_.room_bytes()));
                while (!encoder->work(format_.piece_bytes())) {
                }
                next->encoded = encoder->result();
                write_from(*next);
            }
        }
        catch (...) {
            fail(std::current_exception());
        }
    }

    /// Null at the end, or when another thread has failed.
    slot* read_next()
    {
        const std::lock_guard reading(reading_);
        if (is_whole_ || !wait_for_slot())
            return nullptr;
        slot& next = slots_[pieces_read_ % slots_.size()];
        next.whole = before_ = read_from_.read(before_, next.content);
        next.number = pieces_read_++;
        next.whole.is_first = next.number == 0;
        is_whole_ = next.whole.is_last;
        return &next;
    }

    bool wait_for_slot()
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return failure_ || pieces_read_ < pieces_written_ + slots_.size(); });
        return !failure_;
    }

    /// Writes this piece, if it is the next, and those behind it that are encoded.
    void write_from(slot& ready)
    {
        std::unique_lock lock(mutex_);
        ready.is_encoded = true;
        if (ready.number != pieces_written_)
            return; // who writes the one before it writes it too
        for (slot* next = &ready; next->is_encoded && !failure_; next = &slots_[pieces_written_ % slots_.size()]) {
            lock.unlock();
            format_.join(next->whole, next->encoded);
            totals_.consumed += next->whole.content.size();
            write(next->encoded.bytes);
            read_from_.release(std::exchange(written_, next->whole.content)); // that was the history of this one
            lock.lock();
            next->is_encoded = false;
            ++pieces_written_;
            changed_.notify_all();
        }
    }

    void write(std::span<const std::byte> bytes)
    {
        if (!bytes.empty())
            write_to_(bytes);
        totals_.produced += bytes.size();
    }

    void fail(std::exception_ptr why) noexcept
    {
        {
            const std::lock_guard lock(mutex_);
            if (!failure_)
                failure_ = std::move(why);
        }
        changed_.notify_all();
    }

    piece_format& format_;          // `join`, `head` and `tail`: whoever writes
    piece_reader& read_from_;       // whoever reads
    const stream_writer& write_to_;
    parallel_totals totals_;        // whoever writes
    std::span<const std::byte> written_; // what was written last
    std::vector<slot> slots_;       // each: whoever read it, until it is encoded, then whoever writes
    const std::size_t threads_;

    std::mutex reading_; // for what follows; taken before the other
    bool is_whole_ = false;
    std::uint64_t pieces_read_ = 0;
    piece before_; // was read last

    std::mutex mutex_; // for what follows
    std::condition_variable changed_;
    std::uint64_t pieces_written_ = 0;
    std::exception_ptr failure_;
};

codec_pool& pool_of(const parallel_options& options)
{
    return options.contexts ? *options.contexts : codec_pool::common();
}

std::size_t threads_of(codec which, const parallel_options& options)
{
    if (options.threads > most_threads)
        refuse_setting(which, "threads", "at most 1024 are possible");
    return options.threads == 0 ? default_worker_count() : options.threads;
}

parallel_totals run(codec which, piece_format& format, const parallel_options& options, piece_reader& from,
                    const stream_writer& write)
{
    try {
        return thread_encoding(format, threads_of(which, options), from, write).run();
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
    const std::size_t threads = codecs::threads_of(which, options);
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
