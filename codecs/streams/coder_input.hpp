#pragma once
// The input of a coder: a source, and two blocks to read it into.

#include "streams/coding_memory.hpp"
#include "streams/stream_coder.hpp"

#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace weir::codecs {

class coder_input {
public:
    /// \param buffer_bytes  of each block; 0: as the engine has them
    coder_input(engine& owner, std::unique_ptr<source> from, std::size_t buffer_bytes) noexcept
        : owner_(owner), from_(std::move(from)), buffer_bytes_(buffer_bytes)
    {}

    [[nodiscard]] std::string_view name() const noexcept { return from_->name(); }

    /// Gives `coder` what comes next, or tells it that nothing does. Cancellation as the source's.
    [[nodiscard]] boost::asio::awaitable<void> feed(stream_coder& coder);

    /// Gives the blocks back, and closes the source.
    [[nodiscard]] boost::asio::awaitable<void> close();

private:
    engine& owner_;
    const std::unique_ptr<source> from_;
    const std::size_t buffer_bytes_;
    std::optional<coding_memory> memory_; ///< with the first read
};

} // namespace weir::codecs
