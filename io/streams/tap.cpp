#include <weir/tap.hpp>

#include <weir/detail/run_on.hpp>
#include <weir/error.hpp>

#include <memory>
#include <utility>

namespace weir {

namespace asio = boost::asio;

namespace {

/// Owns both: it goes on to its end when the workers, and the one that waits for it, have ended.
asio::awaitable<void> shown(std::shared_ptr<const tap::function> show, bytes piece) { co_await (*show)(piece); }

} // namespace

tap::tap(std::unique_ptr<source> from, asio::any_io_executor where, function show)
    : from_(std::move(from)), where_(std::move(where)), show_(std::make_shared<const function>(std::move(show)))
{}

asio::awaitable<bytes> tap::read(reservation& memory, std::size_t max_bytes)
{
    if (broken_)
        throw error(errc::closed, "read", name());
    bytes piece = co_await from_->read(memory, max_bytes);
    if (piece.empty())
        co_return piece;
    broken_ = true;
    co_await detail::run_on(where_, shown(show_, piece));
    broken_ = false;
    co_return piece;
}

} // namespace weir
