#pragma once
// Where chunks go: the interface of every sink.

#include <weir/chunk.hpp>
#include <weir/export.hpp>

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <span>

namespace weir {

/// Takes the chunks of one stream, in order. Users implement it too.
///
/// \par Thread-safety
/// One call at a time, on the executor of the flow's caller.
class WEIR_API sink {
public:
    sink() = default;
    sink(const sink&) = delete;
    sink& operator=(const sink&) = delete;
    virtual ~sink();

    /// Takes the next chunks. The source is not asked for more than the pool holds until this is done: that is the
    /// back pressure.
    ///
    /// \param chunks  at least one, valid until the awaitable completes; what is moved out stays valid, and pins
    ///                its blocks
    /// \throws weir::error  ends the flow.
    [[nodiscard]] virtual boost::asio::awaitable<void> write(std::span<chunk> chunks) = 0;

    /// Awaited by the flow while it waits for its source: throws when the sink takes no more, as `write` would, because its peer
    /// has answered or hung up. Else the flow learned of it with the next chunk, which may be long in coming.
    ///
    /// Returns when nothing of the kind can come any more. When it has thrown, chunks that were there in the same moment are
    /// still written, or the end finished: that has to throw the same.
    /// \returns  nothing, as here: only a write can fail. Is asked before each wait
    /// \throws weir::error  ends the flow.
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost. It is cancelled whenever there are chunks to write.
    [[nodiscard]] virtual std::optional<boost::asio::awaitable<void>> watch();

    /// Comes once, after the last chunk of a stream that ended well; makes what was written durable or visible.
    /// A sink that is destroyed without it rolls back.
    /// \throws weir::error  ends the flow: nothing counts as durable.
    /// \par Cancellation
    /// terminal, partial, total, as far as it can still be rolled back.
    [[nodiscard]] virtual boost::asio::awaitable<void> finish();
};

} // namespace weir
