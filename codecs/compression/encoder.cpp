#include <weir/encoder.hpp>

#include "compression/context_pool.hpp"

#include <cassert>
#include <utility>

namespace weir {

encoder::encoder(codec which, const encoder_settings& settings, codec_pool& contexts)
    : pool_(contexts.contexts()), context_(pool_->take(which, settings)), settings_(settings), which_(which)
{}
encoder::encoder(encoder&& other) noexcept = default;

encoder& encoder::operator=(encoder&& other) noexcept
{
    if (this != &other) {
        give_back();
        encoder taken(std::move(other));
        std::destroy_at(this);
        std::construct_at(this, std::move(taken));
    }
    return *this;
}

encoder::~encoder() { give_back(); }

void encoder::give_back() noexcept
{
    if (context_ && !broken_)
        pool_->give_back(which_, settings_, std::move(context_));
    context_.reset();
}

void encoder::push(std::span<const std::byte> input) noexcept
{
    assert(input_.empty() && !finished_);
    input_ = input;
}

std::size_t encoder::pull(std::span<std::byte> output)
{
    assert(!output.empty());
    if (ended_)
        return 0;
    std::span<std::byte> room = output;
    const std::size_t before = input_.size();
    broken_ = true;
    try {
        ended_ = context_->run(input_, room, finished_);
    }
    catch (const codecs::failure& why) {
        throw error(why.code, "encode", to_string(which_), consumed_, why.why);
    }
    broken_ = false;
    consumed_ += before - input_.size();
    produced_ += output.size() - room.size();
    return output.size() - room.size();
}

void encoder::restart()
{
    broken_ = true;
    codecs::start(*context_, which_);
    broken_ = false;
    input_ = {};
    consumed_ = produced_ = 0;
    finished_ = ended_ = false;
}

} // namespace weir
