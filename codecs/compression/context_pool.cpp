#include "compression/context_pool.hpp"

#include <algorithm>
#include <array>

namespace weir::codecs {
namespace {

constexpr std::size_t most_idle = 4096; // there is room for all from the start

std::unique_ptr<context> make_context(codec which, const encoder_settings& settings, std::pmr::memory_resource& from)
{
    return find_implementation(which).make_encoder(settings, from);
}

std::unique_ptr<context> make_context(codec which, const decoder_settings& settings, std::pmr::memory_resource& from)
{
    return find_implementation(which).make_decoder(settings, from);
}

/// What of the settings a context has: limits of size and ratio are the decoder's own, and may differ from stream to
/// stream.
const encoder_settings& of_context(const encoder_settings& settings) { return settings; }

decoder_settings of_context(decoder_settings settings)
{
    settings.max_output_bytes = unlimited;
    settings.max_ratio = 0;
    settings.ratio_free_bytes = 0;
    return settings;
}

/// Threads of a library take memory of the system's, and are not in a forked child, where ending them would hang.
bool may_wait(const encoder_settings& settings) noexcept { return settings.threads == 0; }
bool may_wait(const decoder_settings&) noexcept { return true; }

constexpr std::size_t sample_bytes = 1024;
constexpr std::size_t little_room = 256;

/// Encodes some bytes without saying that they are all, and through little room, so that all is allocated that a long
/// stream needs.
/// \returns  how many bytes of `stream` it gave
std::size_t warm_encoder(context& encoder, codec which, std::span<std::byte> stream)
{
    static constexpr std::array<std::byte, sample_bytes> sample{};
    std::span<const std::byte> input = sample;
    std::size_t given = 0;
    start(encoder, which);
    for (bool ended = false; !ended;) {
        std::span<std::byte> room = stream.subspan(given, little_room);
        ended = encoder.run(input, room, input.empty());
        given += little_room - room.size();
    }
    return given;
}

void warm(context& made, codec which, const encoder_settings&, std::pmr::memory_resource&)
{
    std::array<std::byte, 2 * sample_bytes> stream;
    warm_encoder(made, which, stream);
}

void warm(context& made, codec which, const decoder_settings&, std::pmr::memory_resource& from)
{
    std::array<std::byte, 2 * sample_bytes> stream;
    const std::size_t size = warm_encoder(*make_context(which, {.level = codec_level::fastest}, from), which, stream);
    std::span<const std::byte> input = std::span(stream).first(size);
    std::array<std::byte, little_room> content;
    start(made, which);
    try {
        for (bool ended = false; !ended;) {
            std::span<std::byte> room = content;
            ended = made.run(input, room, true);
        }
    }
    catch (const failure&) { // the settings refuse it: such a decoder does not get far anyway
    }
}

} // namespace

context_pool::context_pool(const codec_pool_options& options)
    : max_idle_(std::min(options.max_idle, most_idle)), max_idle_bytes_(options.max_idle_bytes),
      max_context_bytes_(std::min(options.max_context_bytes, options.max_idle_bytes)),
      memory_(options.memory ? *options.memory : *std::pmr::get_default_resource())
{
    idle_.reserve(max_idle_);
}

template <class Settings> std::unique_ptr<context> context_pool::find(codec which, const Settings& settings)
{
    const Settings& wanted = of_context(settings);
    std::lock_guard lock(mutex_);
    const auto fits = [&](const idle_context& each) {
        const auto* const known = std::get_if<Settings>(&each.settings);
        return each.which == which && known && *known == wanted;
    };
    const auto found = std::find_if(idle_.rbegin(), idle_.rend(), fits);
    if (found == idle_.rend())
        return nullptr;
    std::unique_ptr<context> out = std::move(found->held);
    idle_bytes_ -= found->bytes;
    idle_.erase(std::prev(found.base()));
    return out;
}

template <class Settings> std::unique_ptr<context> context_pool::make(codec which, const Settings& settings)
{
    std::unique_ptr<context> out = make_context(which, settings, memory_);
    ++made_;
    return out;
}

template <class Settings> std::unique_ptr<context> context_pool::take(codec which, const Settings& settings)
{
    std::unique_ptr<context> out = find(which, settings);
    if (out)
        ++reused_;
    else
        out = make(which, settings);
    start(*out, which);
    return out;
}

/// Contexts that may wait at a time if each holds so much.
std::size_t context_pool::how_many(std::size_t bytes) const noexcept
{
    if (bytes > max_context_bytes_)
        return 0;
    return bytes == 0 ? max_idle_ : max_idle_bytes_ / bytes;
}

bool context_pool::is_full(std::size_t bytes) const noexcept
{
    return idle_.size() >= max_idle_ || idle_bytes_ + bytes > max_idle_bytes_;
}

// Gives up the one that was idle for longest where the next does not fit; its end may take a while, so that is not
// under the lock.
std::unique_ptr<context> context_pool::make_room(std::size_t bytes)
{
    std::lock_guard lock(mutex_);
    if (idle_.empty() || !is_full(bytes))
        return nullptr;
    return take_oldest();
}

/// \pre the lock is held; there is one
std::unique_ptr<context> context_pool::take_oldest() noexcept
{
    std::unique_ptr<context> out = std::move(idle_.front().held);
    idle_bytes_ -= idle_.front().bytes;
    idle_.erase(idle_.begin());
    return out;
}

template <class Settings>
void context_pool::give_back(codec which, const Settings& settings, std::unique_ptr<context> used) noexcept
{
    const std::size_t bytes = used->held_bytes();
    if (bytes > max_context_bytes_ || !may_wait(settings))
        return;
    while (make_room(bytes))
        ;
    std::lock_guard lock(mutex_);
    if (is_full(bytes))
        return; // others were faster
    idle_bytes_ += bytes;
    idle_.push_back({which, of_context(settings), bytes, std::move(used)}); // there is capacity
}

template <class Settings> void context_pool::prepare(codec which, const Settings& settings, std::size_t count)
{
    if (!may_wait(settings))
        return;
    std::vector<std::unique_ptr<context>> ready;
    for (std::size_t most = std::min(count, max_idle_); ready.size() < most;) {
        std::unique_ptr<context> one = find(which, settings);
        if (!one) {
            one = make(which, settings);
            warm(*one, which, settings, memory_);
        }
        most = std::min(most, how_many(one->held_bytes()));
        ready.push_back(std::move(one));
    }
    for (std::unique_ptr<context>& each : ready)
        give_back(which, settings, std::move(each));
}

void context_pool::clear() noexcept
{
    for (std::size_t i = 0; i < max_idle_; ++i) { // no more, whatever comes back meanwhile
        std::unique_ptr<context> dropped; // behind the lock
        const std::lock_guard lock(mutex_);
        if (idle_.empty())
            return;
        dropped = take_oldest();
    }
}

codec_pool_statistics context_pool::statistics() const
{
    std::lock_guard lock(mutex_);
    return {.idle = idle_.size(), .idle_bytes = idle_bytes_, .made = made_, .reused = reused_};
}

template std::unique_ptr<context> context_pool::take(codec, const encoder_settings&);
template std::unique_ptr<context> context_pool::take(codec, const decoder_settings&);
template void context_pool::give_back(codec, const encoder_settings&, std::unique_ptr<context>) noexcept;
template void context_pool::give_back(codec, const decoder_settings&, std::unique_ptr<context>) noexcept;

template void context_pool::prepare(codec, const encoder_settings&, std::size_t);
template void context_pool::prepare(codec, const decoder_settings&, std::size_t);

} // namespace weir::codecs

namespace weir {

codec_pool::codec_pool(const codec_pool_options& options)
    : contexts_(std::make_shared<codecs::context_pool>(options))
{}
codec_pool::~codec_pool() { contexts_->clear(); }

codec_pool& codec_pool::common()
{
    // Static objects of other files may use it in their destructors; who sets a default resource may end it.
    static codec_pool* const pool = new codec_pool({.memory = std::pmr::new_delete_resource()});
    return *pool;
}

void codec_pool::prepare_encoders(codec which, const encoder_settings& settings, std::size_t count)
{
    contexts_->prepare(which, settings, count);
}

void codec_pool::prepare_decoders(codec which, const decoder_settings& settings, std::size_t count)
{
    contexts_->prepare(which, settings, count);
}

void codec_pool::clear() { contexts_->clear(); }
codec_pool_statistics codec_pool::statistics() const { return contexts_->statistics(); }

} // namespace weir
