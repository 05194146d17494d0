#pragma once
// Asio streams behind virtual functions, so that what is done with them can live in source files.

#include <weir/detail/pending.hpp>
#include <weir/detail/stream_reader.hpp>
#include <weir/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <span>
#include <utility>

namespace weir::detail {

class stream_writer {
public:
    virtual ~stream_writer() = default;
    [[nodiscard]] virtual boost::asio::any_io_executor executor() = 0;
    [[nodiscard]] virtual boost::asio::awaitable<transfer> write(std::span<const boost::asio::const_buffer> all) = 0;
};

/// `Stream` is a reference where the stream belongs to somebody else.
template <class Stream> class reader_of final : public stream_reader {
public:
    explicit reader_of(Stream&& stream) : stream_(std::forward<Stream>(stream)) {}
    boost::asio::any_io_executor executor() override { return stream_.get_executor(); }
    boost::asio::awaitable<transfer> read_some(std::span<std::byte> into) override
    {
        const boost::asio::mutable_buffer target(into.data(), into.size());
        auto [failed, bytes] =
            co_await stream_.async_read_some(target, boost::asio::as_tuple(boost::asio::use_awaitable));
        // Decided here, in the user's program: where that has an Asio of its own beside the library's, the two have
        // different categories, and neither knows the other's end of file.
        if (failed == boost::asio::error::eof && !is_truncated())
            co_return transfer{{}, bytes, true};
        if (failed == boost::asio::error::eof)
            failed = code(errc::ended_early);
        co_return transfer{failed, bytes};
    }

private:
    /// Of a `net::transport`: cut off, where nothing else says how long the stream should be.
    [[nodiscard]] bool is_truncated() const noexcept
    {
        if constexpr (requires { stream_.truncated(); })
            return stream_.truncated();
        return false;
    }

    Stream stream_;
};

template <class Stream> class writer_of final : public stream_writer {
public:
    explicit writer_of(Stream&& stream) : stream_(std::forward<Stream>(stream)) {}
    boost::asio::any_io_executor executor() override { return stream_.get_executor(); }
    boost::asio::awaitable<transfer> write(std::span<const boost::asio::const_buffer> all) override
    {
        auto [failed, bytes] =
            co_await boost::asio::async_write(stream_, all, boost::asio::as_tuple(boost::asio::use_awaitable));
        co_return transfer{failed, bytes};
    }

private:
    Stream stream_;
};

} // namespace weir::detail
