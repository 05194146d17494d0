#pragma once
// Any Asio stream that can be written (a socket, a TLS stream, a pipe, a descriptor) as a sink for content.

#include <weir/detail/stream_adaptors.hpp>
#include <weir/export.hpp>
#include <weir/sink.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// What all stream sinks share, whatever the type of their stream.
class WEIR_API stream_sink_base : public sink {
public:
    ~stream_sink_base() override;

    /// Writes the content of the chunks, one after the other, gathered from their slices without copying.
    ///
    /// \throws weir::error  what the stream reported, with the name and the number of bytes written before
    /// \par Cancellation
    /// terminal, partial, total: some of the content may have been written; no later call succeeds.
    [[nodiscard]] boost::asio::awaitable<void> write(std::span<chunk> chunks) override;

    [[nodiscard]] std::uint64_t bytes_written() const noexcept { return position_; }

protected:
    stream_sink_base(std::unique_ptr<detail::stream_writer> stream, std::string name);

private:
    std::shared_ptr<detail::stream_writer> stream_; // shared with the write under way
    std::string name_;
    std::vector<boost::asio::const_buffer> parts_;
    std::uint64_t position_ = 0;
    std::error_code failed_;
};

/// Writes to an Asio `AsyncWriteStream`, on the stream's own executor: one hop a batch, none where the flow's caller is
/// there already. The stream is not shut down at the end.
///
/// `stream_sink sink(std::move(socket));` owns the stream, `stream_sink sink(socket);` refers to it.
template <class Stream> class stream_sink final : public stream_sink_base {
public:
    /// \param name  for messages: a peer's address, a URL
    explicit stream_sink(Stream&& stream, std::string name = "stream")
        : stream_sink_base(std::make_unique<detail::writer_of<Stream>>(std::forward<Stream>(stream)), std::move(name))
    {}
};
template <class Stream> stream_sink(Stream&&) -> stream_sink<Stream>;
template <class Stream> stream_sink(Stream&&, std::string) -> stream_sink<Stream>;

} // namespace weir
