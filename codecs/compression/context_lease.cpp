#include <weir/detail/context_lease.hpp>

#include "compression/context_pool.hpp"

#include <utility>

namespace weir::codecs {

template <class Settings>
context_lease<Settings>::context_lease(codec which, const Settings& settings, codec_pool& contexts)
    : pool_(contexts.contexts()), context_(pool_->take(which, settings)), settings_(settings), which_(which)
{}

template <class Settings> context_lease<Settings>::context_lease(context_lease&& other) noexcept = default;

template <class Settings>
context_lease<Settings>& context_lease<Settings>::operator=(context_lease other) noexcept
{
    std::swap(pool_, other.pool_);
    std::swap(context_, other.context_);
    std::swap(settings_, other.settings_);
    std::swap(which_, other.which_);
    std::swap(place_, other.place_);
    std::swap(failure_, other.failure_);
    return *this;
}

template <class Settings> context_lease<Settings>::~context_lease()
{
    if (context_ && !failure_)
        pool_->give_back(which_, settings_, std::move(context_));
}

template <class Settings> void context_lease<Settings>::run(std::span<std::byte>& room)
{
    const std::size_t before = place_.input.size();
    try {
        place_.ended = context_->run(place_.input, room, place_.finished);
    }
    catch (const failure&) {
        place_.consumed += before - place_.input.size();
        throw;
    }
    place_.consumed += before - place_.input.size();
}

template <class Settings> void context_lease<Settings>::restart()
{
    failure_ = nullptr;
    place_ = {};
    attempt([this] { return start(*context_, which_), std::size_t{0}; });
}

template class context_lease<encoder_settings>;
template class context_lease<decoder_settings>;

} // namespace weir::codecs
