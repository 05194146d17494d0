#include "compression/context_pool.hpp"

#include <algorithm>

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

} // namespace

context_pool::context_pool(const codec_pool_options& options)
    : max_idle_(std::min(options.max_idle, most_idle)), max_idle_bytes_(options.max_idle_bytes),
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
    numbers_.idle_bytes -= found->bytes;
    ++numbers_.reused;
    idle_.erase(std::prev(found.base()));
    return out;
}

template <class Settings> std::unique_ptr<context> context_pool::make(codec which, const Settings& settings)
{
    std::unique_ptr<context> out = make_context(which, settings, memory_);
    std::lock_guard lock(mutex_);
    ++numbers_.made;
    return out;
}

template <class Settings> std::unique_ptr<context> context_pool::take(codec which, const Settings& settings)
{
    std::unique_ptr<context> out = find(which, settings);
    if (!out)
        out = make(which, settings);
    start(*out, which);
    return out;
}

// Gives up the one that was idle for longest where the next does not fit; its end may take a while, so that is not
// under the lock.
std::unique_ptr<context> context_pool::make_room(std::size_t bytes)
{
    std::lock_guard lock(mutex_);
    const bool full = idle_.size() >= max_idle_ || numbers_.idle_bytes + bytes > max_idle_bytes_;
    if (idle_.empty() || !full)
        return nullptr;
    std::unique_ptr<context> out = std::move(idle_.front().held);
    numbers_.idle_bytes -= idle_.front().bytes;
    idle_.erase(idle_.begin());
    return out;
}

template <class Settings>
void context_pool::give_back(codec which, const Settings& settings, std::unique_ptr<context> used) noexcept
{
    const std::size_t bytes = used->held_bytes();
    if (bytes > max_idle_bytes_)
        return;
    while (make_room(bytes))
        ;
    std::lock_guard lock(mutex_);
    if (idle_.size() >= max_idle_)
        return; // others were faster
    numbers_.idle_bytes += bytes;
    idle_.push_back({which, of_context(settings), bytes, std::move(used)}); // there is capacity
}

template <class Settings> void context_pool::prepare(codec which, const Settings& settings, std::size_t count)
{
    std::vector<std::unique_ptr<context>> ready;
    for (std::size_t i = 0; i < count; ++i) {
        std::unique_ptr<context> one = find(which, settings);
        ready.push_back(one ? std::move(one) : make(which, settings));
    }
    for (std::unique_ptr<context>& each : ready)
        give_back(which, settings, std::move(each));
}

void context_pool::clear()
{
    std::vector<idle_context> dropped;
    dropped.reserve(max_idle_);
    std::lock_guard lock(mutex_);
    idle_.swap(dropped);
    numbers_.idle_bytes = 0;
}

codec_pool_statistics context_pool::statistics() const
{
    std::lock_guard lock(mutex_);
    codec_pool_statistics out = numbers_;
    out.idle = idle_.size();
    return out;
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
    static codec_pool* const pool = new codec_pool; // static objects of other files may use it in their destructors
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
