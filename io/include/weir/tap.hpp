#pragma once
// A source that passes on what it gives, as it comes.
//
//   auto body = std::make_unique<weir::tap>(std::move(answer), executor_of_the_client, [&](const weir::bytes& piece) {
//       return client.write(piece);
//   });
//   co_await weir::run_flow(engine, std::move(body), sink, {}); // cuts and digests the same blocks

#include <weir/export.hpp>
#include <weir/source.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace weir {

/// Gives what another source gives, and shows each piece to somebody first: a consumer that is not to wait until a chunk
/// has been cut. Who is shown a piece sets the pace, and may keep a share in its blocks (see `chunk` on keeping many).
class WEIR_API tap final : public source {
public:
    using function = std::function<boost::asio::awaitable<void>(const bytes& piece)>;

    /// \param where  what `show` is called on, and runs on; its context outlives the flow
    /// \param show   called with the pieces in order, never empty, one call at a time; not at the end. It and the piece stay until
    ///               what it returned has ended, also where the flow's engine ends before. What it throws ends the stream
    tap(std::unique_ptr<source> from, boost::asio::any_io_executor where, function show);

    /// \throws weir::error  as the other source and `show`; then `errc::closed`
    /// \par Cancellation
    /// terminal, partial, total: reaches the other source, or what `show` awaits. A piece that was not shown to its end is
    /// lost, and no later call succeeds.
    [[nodiscard]] boost::asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override;
    [[nodiscard]] std::optional<std::uint64_t> size() const noexcept override { return from_->size(); }
    [[nodiscard]] std::size_t read_ahead_blocks() const noexcept override { return from_->read_ahead_blocks(); }
    [[nodiscard]] std::string_view name() const noexcept override { return from_->name(); }
    [[nodiscard]] boost::asio::awaitable<void> close() override { return from_->close(); }

private:
    const std::unique_ptr<source> from_;
    const boost::asio::any_io_executor where_;
    const std::shared_ptr<const function> show_;
    bool broken_ = false; ///< a piece was not shown to its end
};

} // namespace weir
