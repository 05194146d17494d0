#include "streams/stream_coder.hpp"

#include "compression/context.hpp"
#include "flow/fair_turns.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

namespace weir::codecs {
namespace {

// Pushed at a time, so that the clock is looked at: xz encodes 3 MB/s at its best, and decodes 60.
constexpr std::size_t encoded_piece_bytes = std::size_t{16} << 10;
constexpr std::size_t decoded_piece_bytes = std::size_t{64} << 10;

codec_pool& pool_of(codec_pool* named) { return named ? *named : codec_pool::common(); }

// A library that waits for its threads holds up all who share the worker.
const encoder_settings& without_threads(const encoding_options& options)
{
    if (options.settings.threads != 0)
        refuse_setting(options.codec, "threads", "a source or sink works on those of its engine");
    return options.settings;
}

// RFC 1950, section 2.2.
bool is_zlib_header(std::span<const std::byte> start)
{
    const auto method = std::to_integer<unsigned>(start[0]);
    return (method & 0x0F) == 8 && (method << 8 | std::to_integer<unsigned>(start[1])) % 31 == 0;
}

} // namespace

stream_coder::stream_coder(const encoding_options& options)
    : coder_(std::in_place_type<encoder>, options.codec, without_threads(options), pool_of(options.contexts)),
      piece_bytes_(encoded_piece_bytes)
{}

stream_coder::stream_coder(const decoding_options& options, std::string name)
    : options_(options), name_(std::move(name)), piece_bytes_(decoded_piece_bytes)
{
    if (options_.codec && !options_.raw_deflate_too)
        make_decoder(*options_.codec);
}

void stream_coder::give(bytes piece)
{
    assert(!finished_);
    if (ended_ || failure_)
        return; // another stream, that nobody asked for, or the rest of one that is of no use
    input_.append(std::move(piece));
    hungry_ = false;
}

void stream_coder::finish() noexcept
{
    finished_ = true;
    hungry_ = false;
}

std::size_t stream_coder::turn(std::span<std::byte> room)
{
    if (failure_)
        std::rethrow_exception(failure_);
    try {
        const std::size_t filled = work(room);
        if (ended_) {
            keep_unused();
            let_go();
        }
        return filled;
    }
    catch (...) {
        failure_ = std::current_exception();
        let_go();
        throw;
    }
}

void stream_coder::keep_unused()
{
    const auto* const done = std::get_if<decoder>(&coder_);
    if (!done || !options_.keep_unused)
        return;
    const std::size_t used = pushed_ - done->unused().size();
    unused_ = input_.subrange(used, input_.size() - used);
}

// Blocks of the flow and a context that others could use: an owner may keep this object for long.
void stream_coder::let_go() noexcept
{
    coder_.emplace<std::monostate>();
    pushed_ = 0;
    input_.clear();
}

std::size_t stream_coder::work(std::span<std::byte> room)
{
    if (auto* const out = std::get_if<encoder>(&coder_))
        return run(*out, room);
    if (std::holds_alternative<std::monostate>(coder_) && !choose_codec())
        return 0;
    return run(std::get<decoder>(coder_), room);
}

bool stream_coder::choose_codec()
{
    std::vector<std::byte> start;
    for (std::size_t wanted = codec_magic_bytes; start.size() < wanted; wanted = bytes_to_detect_codec(start)) {
        hungry_ = input_.size() < wanted && !finished_;
        if (hungry_)
            return false;
        start = input_.subrange(0, std::min(wanted, input_.size())).copy_out();
        if (start.size() < wanted || options_.codec)
            break;
    }
    const codec found = codec_for(start);
    options_.settings = settings_for(found, std::move(options_.settings));
    try {
        make_decoder(found);
    }
    catch (const error& why) {
        throw error(why.code(), "decode", name_, 0, why.subject());
    }
    return true;
}

codec stream_coder::codec_for(std::span<const std::byte> start)
{
    if (options_.codec) {
        const bool is_raw = options_.codec == codec::zlib && start.size() > 1 && !is_zlib_header(start);
        return is_raw ? codec::deflate : *options_.codec;
    }
    const std::optional<codec> found = detect_codec(start);
    if (!found && !options_.pass_unknown && start.empty())
        throw error(errc::truncated, "decode", name_, 0, "it is empty");
    if (!found && !options_.pass_unknown)
        throw error(errc::bad_format, "decode", name_, 0,
                    "no known format begins so; raw deflate and lzma cannot be told by their first bytes and have to be named");
    return found.value_or(codec::identity);
}

void stream_coder::make_decoder(codec which)
{
    coder_.emplace<decoder>(which, options_.settings, pool_of(options_.contexts)).set_subject(name_);
}

template <class Coder> std::size_t stream_coder::run(Coder& coder, std::span<std::byte> room)
{
    const detail::fair_turns turn;
    std::size_t filled = 0;
    while (filled < room.size() && !ended_) {
        std::size_t count = 0;
        try {
            count = coder.pull(room.subspan(filled));
        }
        catch (const error&) {
            if (filled == 0)
                throw;
            break; // it says so again when that was taken
        }
        filled += count;
        ended_ = coder.ended();
        if (ended_ || filled == room.size())
            break;
        if (coder.needs_input() && !feed(coder)) {
            hungry_ = true;
            break;
        }
        if (turn.is_over())
            break;
    }
    return filled;
}

/// Pushes the next piece of the input, or finishes it.
/// \returns  false where there is none now
template <class Coder> bool stream_coder::feed(Coder& coder)
{
    if (pushed_ != 0)
        static_cast<void>(input_.take_front(std::exchange(pushed_, 0)));
    if (!input_.empty()) {
        const std::span<const std::byte> next = input_.begin()->span();
        pushed_ = std::min(next.size(), piece_bytes_);
        coder.push(next.first(pushed_));
    }
    if (finished_ && pushed_ == input_.size())
        coder.finish();
    return pushed_ != 0 || finished_;
}

} // namespace weir::codecs
