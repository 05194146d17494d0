#pragma once
// Any Asio stream that can be read (a socket, a TLS stream, a pipe, a descriptor) as a source.

#include <weir/detail/stream_adaptors.hpp>
#include <weir/export.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

namespace detail {
class read_pump;
}

/// What all stream sources share, whatever the type of their stream.
class WEIR_API stream_source_base : public source {
public:
    ~stream_source_base() override;

    /// Gives what the stream has delivered, up to `max_bytes`; waits only when that is nothing.
    ///
    /// \throws weir::error
    ///   `errc::closed`: after `close`.
    ///   else the code that the stream reported, with `name()` and the offset. A TLS stream that was cut off reports
    ///   `ssl::error::stream_truncated`, which is no end; of a `net::transport` that is `errc::ended_early`.
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost, the read under way goes on for the next call.
    [[nodiscard]] boost::asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override;

    /// Cancels the read under way and waits for its end; what was read and not given is dropped.
    [[nodiscard]] boost::asio::awaitable<void> close() override;

    /// One: the next block is at hand when the current one is full, so that reading does not pause. Where the
    /// reservation has more of its own to spare, a read brings up to four to be filled until the next one.
    [[nodiscard]] std::size_t read_ahead_blocks() const noexcept override;
    [[nodiscard]] std::string_view name() const noexcept override;

protected:
    stream_source_base(std::unique_ptr<detail::stream_reader> stream, std::string name);

private:
    std::shared_ptr<detail::read_pump> pump_;
};

/// Reads an Asio `AsyncReadStream` to its end.
///
/// Its reads run on the stream's own executor, one at a time and all the time while there is room in a block, so that
/// the stream is read while earlier bytes are cut and digested. A consumer that comes takes all there is: one hop
/// between the executors for many small reads, and blocks are filled to their end whatever the sizes of the reads.
///
/// `stream_source source(std::move(socket));` owns the stream. `stream_source source(socket);` refers to it: nobody
/// else reads from it meanwhile, and it outlives the awaitable of `close`.
template <class Stream> class stream_source final : public stream_source_base {
public:
    /// \param name  for messages: a peer's address, a URL
    explicit stream_source(Stream&& stream, std::string name = "stream")
        : stream_source_base(std::make_unique<detail::reader_of<Stream>>(std::forward<Stream>(stream)), std::move(name))
    {}
};
template <class Stream> stream_source(Stream&&) -> stream_source<Stream>;
template <class Stream> stream_source(Stream&&, std::string) -> stream_source<Stream>;

} // namespace weir
