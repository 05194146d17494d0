#pragma once
// What the connections and listeners of one server share: its limits, and who is there.

#include <weir/detail/async_event.hpp>
#include <weir/detail/run_on.hpp>
#include <weir/http/server.hpp>
#include <weir/net/transport.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

namespace weir::http::detail {

/// \par Thread-safety
/// All members from any thread.
class server_core : public std::enable_shared_from_this<server_core> {
public:
    using clock = std::chrono::steady_clock;
    /// A coroutine of the server: a connection or a listener. One that is destroyed with its context leaves the server
    /// before its frames are gone, which still refer to this.
    struct member {
        std::shared_ptr<weir::detail::child_control> control;
        bool is_listener = false;
        std::optional<clock::time_point> idle_since; ///< while a connection waits for a request
    };
    using place = std::shared_ptr<member>;

    /// Room for a connection, which is given back with the end of this.
    class room {
    public:
        explicit room(std::shared_ptr<server_core> of) noexcept : of_(std::move(of)) {}
        room(room&&) noexcept = default;
        room& operator=(room&&) = delete;
        ~room()
        {
            if (of_)
                of_->leave_room();
        }

    private:
        std::shared_ptr<server_core> of_;
    };

    server_core(boost::asio::any_io_executor executor, handler answer, const server_options& options);

    void listen(boost::asio::ip::tcp::acceptor acceptor);
    void listen(const std::string& path);

    /// Takes room for a connection, closing the longest idle one for it if need be.
    [[nodiscard]] boost::asio::awaitable<room> wait_for_room();
    /// Serves a connection in the room that was taken, which is free again with its end.
    /// \throws std::bad_alloc  with the connection closed and the room given back
    void serve(net::transport connected, bool is_local, room taken);

    /// \returns  false if the server is stopping: then there is no waiting
    [[nodiscard]] bool begin_idle(const place& where);
    void end_idle(const place& where) noexcept;

    [[nodiscard]] static boost::asio::awaitable<void> stop(std::shared_ptr<server_core> self,
                                                           clock::time_point deadline);
    /// No more connections and requests.
    void begin_stop();
    void cancel_all();

    [[nodiscard]] bool stopping() const;
    [[nodiscard]] server_statistics statistics() const;
    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    [[nodiscard]] const server_options& options() const noexcept { return options_; }
    [[nodiscard]] const handler& answer() const noexcept { return answer_; }

    void tell_exchange(const exchange_report& report) noexcept;
    /// \param status  of the answer, if there is one; else 0
    void tell_failure(std::string_view peer, unsigned status, const failure& why) noexcept;
    void tell_accept(std::error_code failed) noexcept;

private:
    class membership;

    /// \param taken  by a connection; nothing: it is a listener
    /// \returns  one whose `where()` is null if the server is stopping
    [[nodiscard]] membership enter(std::optional<room> taken);
    void leave(const place& where) noexcept;
    [[nodiscard]] bool try_take_room();
    void leave_room() noexcept;
    void close_longest_idle();
    void start(membership stays, boost::asio::awaitable<void> work);
    [[nodiscard]] boost::asio::awaitable<void> wait_until_gone();

    const boost::asio::any_io_executor executor_;
    const handler answer_;
    const server_options options_;
    weir::detail::async_event room_;
    weir::detail::async_event gone_;

    mutable std::mutex mutex_; // guards what follows
    std::unordered_set<place> members_;
    std::size_t open_ = 0; // places that are taken; never above options_.connections
    std::uint64_t accepted_ = 0;
    std::uint64_t exchanges_ = 0;
    bool stopping_ = false;
};

} // namespace weir::http::detail
