#pragma once
// Small sinks: one that calls a function, one that counts and drops, one that feeds two others.

#include <weir/export.hpp>
#include <weir/sink.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace weir {

/// Calls a plain function for each chunk, in order. What it throws ends the flow.
class WEIR_API callback_sink final : public sink {
public:
    using function = std::function<void(chunk&)>;

    /// \param on_chunk  may move from the chunk; on the executor of the flow's caller
    /// \param on_finish  called once, when a stream has ended well; may be empty
    explicit callback_sink(function on_chunk, std::function<void()> on_finish = {});

    [[nodiscard]] boost::asio::awaitable<void> write(std::span<chunk> chunks) override;
    [[nodiscard]] boost::asio::awaitable<void> finish() override;

private:
    function on_chunk_;
    std::function<void()> on_finish_;
};

/// Takes everything, keeps nothing, and says how much that was.
class WEIR_API null_sink final : public sink {
public:
    [[nodiscard]] boost::asio::awaitable<void> write(std::span<chunk> chunks) override;

    [[nodiscard]] std::uint64_t chunks() const noexcept { return chunks_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    std::uint64_t chunks_ = 0;
    std::uint64_t bytes_ = 0;
};

/// Gives one stream to two sinks, side by side; the slower one sets the pace. The content is shared, not copied.
///
/// If one fails, the other is cancelled, and the first failure ends the flow.
class WEIR_API tee final : public sink {
public:
    /// Both outlive it.
    tee(sink& first, sink& second) noexcept : first_(first), second_(second) {}

    /// \par Cancellation
    /// terminal, partial, total: passed on to both.
    /// \par Executor
    /// Both run on a strand of the caller's.
    [[nodiscard]] boost::asio::awaitable<void> write(std::span<chunk> chunks) override;
    /// Of both, as far as they have one.
    [[nodiscard]] std::optional<boost::asio::awaitable<void>> watch() override;
    [[nodiscard]] boost::asio::awaitable<void> finish() override;

private:
    sink& first_;
    sink& second_;
    std::vector<chunk> copies_; ///< for the second sink: both may move from theirs
};

} // namespace weir
