#include "session.hpp"

#include "command.hpp"

#include "base/event_loop.hpp"

#include <weir/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdlib>
#include <unistd.h>

namespace tool {
namespace {

using std::chrono_literals::operator""ms;

// Of the 100 ms in which a signal ends the command, the rest is for the last lines.
constexpr auto patience = 80ms;

} // namespace

session::session(progress_mode progress, std::function<work_done()> look)
    : context_(1),
      out_(weir::detail::with_event_loop(context_.get_executor()), STDOUT_FILENO, [this] { end_early(); }),
      interruption_(context_.get_executor(), [this] { end_early(); }),
      progress_(context_.get_executor(), progress, std::move(look)),
      patience_(context_)
{}

void session::run(asio::awaitable<void> work, closing_words close)
{
    close_ = std::move(close);
    const auto must_not_fail = [](const std::exception_ptr& failure) {
        if (failure)
            std::rethrow_exception(failure);
    };
    asio::co_spawn(context_, out_.run(), must_not_fail);
    asio::co_spawn(context_, progress_.run(), must_not_fail);
    progress_.start();
    auto done = [this, must_not_fail](const std::exception_ptr& failure) {
        failure_ = failure;
        asio::co_spawn(context_, finish(), must_not_fail);
    };
    asio::co_spawn(context_, std::move(work), asio::bind_cancellation_slot(cancel_.slot(), std::move(done)));
    context_.run();
    out_.check();
    if (failure_)
        std::rethrow_exception(failure_);
}

std::function<void(std::string_view)> session::notices(bool quiet)
{
    if (quiet)
        return {};
    return [this](std::string_view text) {
        asio::post(context_, [this, line = std::string(text)] { progress_.say(line); });
    };
}

asio::awaitable<void> session::room()
{
    co_await progress_.room();
    co_await out_.room();
}

void session::end_early()
{
    patience_.expires_after(patience);
    patience_.async_wait([this](const boost::system::error_code& failure) {
        if (!failure)
            give_up();
    });
    cancel_.emit(asio::cancellation_type::terminal);
}

void session::speak_last()
{
    progress_.stop();
    const bool cancelled = failure_ && weir::code_of(failure_) == std::errc::operation_canceled;
    const bool by_signal = interruption_.signal() != 0 && (!failure_ || cancelled);
    if (!out_.failure() && !spoken_ && (!failure_ || by_signal))
        close_(by_signal);
    spoken_ = true;
}

asio::awaitable<void> session::finish()
{
    // What workers have posted to be said comes first.
    co_await asio::post(context_, asio::use_awaitable);
    co_await progress_.drain(); // both outputs may be one terminal: messages stand before the sums
    speak_last();
    try {
        co_await out_.drain();
    }
    catch (const output_error&) {
        // `run` says it.
    }
    co_await progress_.drain();
    patience_.cancel();
    interruption_.stop();
    // The work has ended, but a worker may still be in a read that nothing interrupts: do not wait for it.
    if (interruption_.signal() != 0)
        ::_exit(early_exit_code());
    out_.stop();
    progress_.end();
    // Behind the ends of these two. What is left then are connections whose peers take their time to say farewell.
    asio::post(context_, [this] { context_.stop(); });
}

void session::give_up()
{
    speak_last();
    out_.write_now();
    if (out_.failure())
        progress_.say(output_error(out_.failure()).what());
    progress_.write_now();
    ::_exit(early_exit_code());
}

int session::early_exit_code() const
{
    return interruption_.signal() != 0 ? exit_code_of_signal(interruption_.signal()) : int(output_failed);
}

} // namespace tool
