#pragma once
// What an encoder and a decoder are apart from limits and messages: a context of a pool, and a place in a stream.

#include <weir/codec_pool.hpp>
#include <weir/codec_settings.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <utility>

namespace weir::codecs {

class context;

/// Where a stream is.
struct stream_place {
    std::span<const std::byte> input; ///< what was pushed and not taken
    std::uint64_t consumed = 0;       ///< bytes of input
    std::uint64_t produced = 0;       ///< bytes of output
    bool finished = false;            ///< nothing more is pushed
    bool ended = false;               ///< the stream is whole
};

/// A context of a pool, which gets it back at the end, unless it failed.
template <class Settings> class context_lease {
public:
    /// Takes a context of `contexts`, or makes one; begins a stream.
    context_lease(codec which, const Settings& settings, codec_pool& contexts);
    context_lease(context_lease&& other) noexcept;
    context_lease& operator=(context_lease other) noexcept;
    ~context_lease();

    [[nodiscard]] codec which() const noexcept { return which_; }
    [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
    [[nodiscard]] const stream_place& place() const noexcept { return place_; }

    void push(std::span<const std::byte> input) noexcept
    {
        assert(failure_ || (place_.input.empty() && !place_.finished));
        place_.input = input;
    }
    void finish() noexcept { place_.finished = true; }

    /// One turn of the context; its output does not count as produced before `give`. Cuts off from `room` what it
    /// filled, also of a stream that failed behind that.
    /// \throws failure  of the stream
    void run(std::span<std::byte>& room);
    void give(std::size_t count) noexcept { place_.produced += count; }

    /// Begins another stream, whatever was before.
    void restart();

    /// Calls `work`. What it throws is thrown again by every later call until `restart`: a context that failed may be
    /// in any state.
    template <class Work> std::size_t attempt(Work work)
    {
        if (failure_)
            std::rethrow_exception(failure_);
        try {
            return work();
        }
        catch (...) {
            failure_ = std::current_exception();
            throw;
        }
    }

    /// Has every later `attempt` throw that; until then the stream is not whole.
    void fail_next(std::exception_ptr why) noexcept
    {
        failure_ = std::move(why);
        place_.ended = false;
    }

private:
    std::shared_ptr<context_pool> pool_;
    std::unique_ptr<context> context_; ///< none once it is moved from
    Settings settings_;
    codec which_;
    stream_place place_;
    std::exception_ptr failure_;
};

} // namespace weir::codecs
