#pragma once
// What an asynchronous call came to, and a loop to drive it.

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>

#include <utility>

namespace test {

/// Remembers one completion, of `void(error_code, Value)`.
template <class Value>
struct result {
    bool done = false;
    int calls = 0;
    boost::system::error_code code;
    Value value;
    boost::asio::cancellation_signal stop;

    /// A handler that runs on `io` and can be cancelled by `stop`; this object must outlive the call.
    [[nodiscard]] auto handler(boost::asio::io_context& io)
    {
        auto store = [this](boost::system::error_code outcome, Value got) {
            done = true;
            ++calls;
            code = outcome;
            value = std::move(got);
        };
        return boost::asio::bind_cancellation_slot(stop.slot(), boost::asio::bind_executor(io, std::move(store)));
    }

    void cancel() { stop.emit(boost::asio::cancellation_type::terminal); }
};

/// Runs whatever is ready. (A context that ran out of work stops until it is restarted.)
inline void poll(boost::asio::io_context& io)
{
    io.restart();
    io.poll();
}

} // namespace test
