#include "http_server/request_body.hpp"

#include <weir/as_result.hpp>
#include <weir/detail/stream_adaptors.hpp>
#include <weir/error.hpp>
#include <weir/stream_source.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace weir::http::detail {

namespace asio = boost::asio;
using clock = server_input::clock;

namespace {

/// What a source of the body reads on the connection's strand.
class body_stream final : public weir::detail::stream_reader {
public:
    body_stream(std::shared_ptr<request_body> body, asio::any_io_executor strand)
        : body_(std::move(body)), strand_(std::move(strand))
    {}

    asio::any_io_executor executor() override { return strand_; }
    asio::awaitable<weir::detail::transfer> read_some(std::span<std::byte> into) override
    {
        const result<std::size_t> got = co_await as_result(body_->read_some(into));
        weir::detail::transfer out;
        if (got)
            out.bytes = *got;
        else
            out.failed = got.code();
        out.ended = got && *got == 0;
        co_return out;
    }

private:
    const std::shared_ptr<request_body> body_;
    const asio::any_io_executor strand_;
};

class body_source final : public stream_source_base {
public:
    body_source(std::unique_ptr<body_stream> stream, std::string name)
        : stream_source_base(std::move(stream), std::move(name))
    {}
};

unsigned status_for(std::error_code failure) noexcept
{
    constexpr unsigned bad_request = 400, timeout = 408, too_large = 413;
    if (failure == errc::invalid_size)
        return too_large;
    return failure == errc::deadline_exceeded ? timeout : bad_request;
}

} // namespace

/// One read under way.
class request_body::reading {
public:
    explicit reading(request_body& of) noexcept : of_(of) { of_.reading_ = true; }
    reading(const reading&) = delete;
    reading& operator=(const reading&) = delete;
    ~reading()
    {
        of_.reading_ = false;
        of_.left_.set();
    }

private:
    request_body& of_;
};

request_body::request_body(std::shared_ptr<const void> owner, server_input& input, const framing& how,
                           const server_options& limits, body_waiter* waiter)
    : owner_(std::move(owner)),
      input_(input),
      limits_(limits),
      waiter_(waiter),
      reader_(how, limits.body),
      pace_(limits.read_time, limits.read_rate),
      is_chunked_(how.end == body_end::chunked)
{}

asio::awaitable<std::size_t> request_body::read_some(std::span<std::byte> into)
{
    if (closed_)
        throw error(errc::closed, "read", "body", reader_.total());
    co_return co_await read_open(into);
}

asio::awaitable<std::size_t> request_body::read_open(std::span<std::byte> into)
{
    if (into.empty() || reader_.done())
        co_return 0;
    const std::shared_ptr<request_body> self = shared_from_this(); // a source may be dropped meanwhile
    const reading mark(*this);
    try {
        co_return co_await read_checked(into);
    }
    catch (const error& failure) {
        if (failure.code() != condition::cancelled) // who reads may do so again
            status_of_failure_ = status_for(failure.code());
        throw;
    }
}

asio::awaitable<std::size_t> request_body::read_checked(std::span<std::byte> into)
{
    if (body_waiter* waiter = std::exchange(waiter_, nullptr))
        co_await waiter->invite();
    for (;;) {
        if (const std::size_t taken = take_rest(into))
            co_return taken;
        if (reader_.done())
            co_return 0;
        const auto start = clock::now();
        std::size_t bytes = 0;
        if (reader_.data() > 0)
            bytes = co_await read_data(into, pace_.limit(start));
        else if (!co_await input_.fill(pace_.limit(start)))
            reader_.end_of_stream();
        pace_.waited(clock::now() - start);
        if (bytes > 0)
            co_return bytes;
    }
}

/// Data that came with the head, or with framing.
std::size_t request_body::take_rest(std::span<std::byte> into)
{
    const body_reader::decoded moved = reader_.decode(input_.rest(), into);
    input_.take(moved.consumed);
    pace_.moved(moved.produced);
    check_size();
    return moved.produced;
}

/// Data from the connection, straight; with a chunk's last bytes comes the framing behind them.
asio::awaitable<std::size_t> request_body::read_data(std::span<std::byte> into, clock::time_point limit)
{
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(reader_.data(), into.size()));
    const bool and_more = is_chunked_ && most == reader_.data();
    const std::size_t bytes = co_await input_.read(into.first(most), and_more, limit);
    if (bytes == 0)
        reader_.end_of_stream();
    reader_.received(bytes);
    pace_.moved(bytes);
    check_size();
    co_return bytes;
}

void request_body::check_size() const
{
    if (reader_.total() > limits_.body_bytes)
        throw error(errc::invalid_size, "read", "body", reader_.total(),
                    "more than " + std::to_string(limits_.body_bytes) + " bytes");
}

std::unique_ptr<source> request_body::make_source(asio::any_io_executor strand, std::string name)
{
    return std::make_unique<body_source>(std::make_unique<body_stream>(shared_from_this(), std::move(strand)),
                                         std::move(name));
}

bool request_body::may_be_dropped() const noexcept
{
    const std::uint64_t known = is_chunked_ ? 0 : reader_.data();
    return !waiter_ && known <= limits_.unread_bytes;
}

asio::awaitable<bool> request_body::drop()
{
    std::array<std::byte, 4096> unused;
    const std::uint64_t start = reader_.total();
    while (!reader_.done()) {
        if (!may_be_dropped() || reader_.total() - start > limits_.unread_bytes)
            co_return false;
        (void)co_await read_open(unused);
    }
    co_return true;
}

asio::awaitable<void> request_body::left()
{
    for (;;) {
        left_.reset();
        if (!reading_)
            co_return;
        co_await left_.async_wait(asio::use_awaitable);
    }
}

} // namespace weir::http::detail
