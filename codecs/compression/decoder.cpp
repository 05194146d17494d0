#include <weir/decoder.hpp>

#include "compression/context_pool.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

namespace weir {
namespace {

// How much may be decoded beyond the ratio before it is looked at again.
constexpr std::uint64_t ratio_slack = std::uint64_t{64} << 10;

std::uint64_t ratio_allows(const decoder_settings& settings, std::uint64_t consumed) noexcept
{
    if (settings.max_ratio == 0 || consumed > unlimited / settings.max_ratio)
        return unlimited;
    return std::max(settings.ratio_free_bytes, consumed * settings.max_ratio);
}

} // namespace

decoder::decoder(codec which, const decoder_settings& settings, codec_pool& contexts)
    : pool_(contexts.contexts()), context_(pool_->take(which, settings)), settings_(settings), which_(which)
{}
decoder::decoder(decoder&& other) noexcept = default;

decoder& decoder::operator=(decoder&& other) noexcept
{
    if (this != &other) {
        give_back();
        decoder taken(std::move(other));
        std::destroy_at(this);
        std::construct_at(this, std::move(taken));
    }
    return *this;
}

decoder::~decoder() { give_back(); }

void decoder::give_back() noexcept
{
    if (context_ && !broken_)
        pool_->give_back(which_, settings_, std::move(context_));
    context_.reset();
}

void decoder::push(std::span<const std::byte> input) noexcept
{
    assert(input_.empty() && !finished_);
    input_ = input;
}

// How much of the output may be filled before limits are looked at again; 0 where the next byte is one too many.
std::size_t decoder::permitted() const noexcept
{
    const std::uint64_t by_ratio = ratio_allows(settings_, consumed_);
    const std::uint64_t within_ratio = by_ratio > produced_ ? by_ratio - produced_ : 0;
    const std::uint64_t within_output = settings_.max_output_bytes - produced_;
    return static_cast<std::size_t>(
        std::min<std::uint64_t>({std::max(within_ratio, ratio_slack), within_output, SIZE_MAX}));
}

void decoder::check_ratio() const
{
    if (produced_ > ratio_allows(settings_, consumed_))
        throw codecs::failure{errc::limit_exceeded, "the ratio of output to input"};
}

// One turn of the context.
std::size_t decoder::run(std::span<std::byte> output)
{
    const std::size_t before = input_.size();
    std::span<std::byte> room = output;
    try {
        ended_ = context_->run(input_, room, finished_);
    }
    catch (const codecs::failure&) {
        consumed_ += before - input_.size();
        throw;
    }
    consumed_ += before - input_.size();
    return output.size() - room.size();
}

void decoder::fail(errc code, const char* why) const
{
    const std::string_view codec_name = to_string(which_);
    if (subject_.empty())
        throw error(code, "decode", codec_name, consumed_, why);
    throw error(code, "decode", subject_, consumed_, std::string(codec_name) + ": " + why);
}

std::size_t decoder::pull(std::span<std::byte> output)
{
    assert(!output.empty());
    std::size_t filled = 0;
    [[maybe_unused]] const bool was_broken = std::exchange(broken_, true);
    assert(!was_broken);
    try {
        while (!ended_ && filled < output.size()) {
            const std::span<std::byte> room = output.subspan(filled, std::min(output.size() - filled, permitted()));
            if (room.empty()) {
                std::byte one_too_many;
                if (run({&one_too_many, 1}) != 0)
                    throw codecs::failure{errc::limit_exceeded, "the size of the output"};
                break;
            }
            const std::size_t count = run(room);
            filled += count;
            produced_ += count;
            check_ratio();
            if (count < room.size())
                break;
        }
    }
    catch (const codecs::failure& why) {
        fail(why.code, why.why);
    }
    broken_ = false;
    return filled;
}

void decoder::restart()
{
    broken_ = true;
    codecs::start(*context_, which_);
    broken_ = false;
    input_ = {};
    consumed_ = produced_ = 0;
    finished_ = ended_ = false;
}

} // namespace weir
