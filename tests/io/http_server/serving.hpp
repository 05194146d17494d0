#pragma once
// A server on threads of its own, and clients with plain blocking sockets: whatever they do, it is what they say.

#include "support/run.hpp"

#include <weir/error.hpp>
#include <weir/http/server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>

namespace test {

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace http = weir::http;

/// Keeps what a server tells, and waits for it.
class server_record final : public http::server_observer {
public:
    struct ended {
        std::string target;
        unsigned status;
        std::uint64_t received, sent;
        std::error_code failed;
        bool refused;
    };

    void exchange_ended(const http::exchange_report& report) noexcept override
    {
        const std::lock_guard lock(mutex_);
        exchanges_.push_back({std::string(report.target), report.status, report.received, report.sent, report.failed,
                              report.refused});
        news_.notify_all();
    }
    void connection_failed(const http::connection_report& report) noexcept override
    {
        const std::lock_guard lock(mutex_);
        failures_.push_back(report.failed);
        statuses_.push_back(report.status);
        news_.notify_all();
    }

    [[nodiscard]] std::vector<ended> exchanges(std::size_t count)
    {
        std::unique_lock lock(mutex_);
        REQUIRE(news_.wait_for(lock, 20s, [&] { return exchanges_.size() >= count; }));
        return exchanges_;
    }
    [[nodiscard]] std::vector<std::error_code> failures(std::size_t count)
    {
        std::unique_lock lock(mutex_);
        REQUIRE(news_.wait_for(lock, 20s, [&] { return failures_.size() >= count; }));
        return failures_;
    }

    /// Of the answers to what was no request.
    [[nodiscard]] std::vector<unsigned> statuses()
    {
        const std::lock_guard lock(mutex_);
        return statuses_;
    }

private:
    std::mutex mutex_;
    std::condition_variable news_;
    std::vector<ended> exchanges_;
    std::vector<std::error_code> failures_;
    std::vector<unsigned> statuses_;
};

/// One connection to a server.
class client {
public:
    explicit client(const asio::ip::tcp::endpoint& where) : socket_(context_) { socket_.connect(where); }

    client& send(std::string_view text)
    {
        asio::write(socket_, asio::const_buffer(text.data(), text.size()));
        return *this;
    }
    /// Sends as far as the server takes it. \returns  how much that was
    std::size_t send_what_is_taken(std::string_view text)
    {
        boost::system::error_code failed;
        return asio::write(socket_, asio::const_buffer(text.data(), text.size()), failed);
    }
    void end_sending() { socket_.shutdown(asio::ip::tcp::socket::shutdown_send); }
    void close() { socket_.close(); }

    /// Reads until `end` has come, and gives all up to there.
    std::string until(std::string_view end)
    {
        while (received_.find(end) == std::string::npos)
            REQUIRE(receive());
        const std::size_t size = received_.find(end) + end.size();
        std::string out = received_.substr(0, size);
        received_.erase(0, size);
        return out;
    }
    std::string take(std::size_t bytes)
    {
        while (received_.size() < bytes)
            REQUIRE(receive());
        std::string out = received_.substr(0, bytes);
        received_.erase(0, bytes);
        return out;
    }
    /// All that comes until the server closes.
    std::string rest()
    {
        while (receive()) {
        }
        return std::exchange(received_, std::string());
    }
    /// How it ended, after `rest`: `eof`, or `connection_reset`.
    [[nodiscard]] boost::system::error_code end() const { return end_; }

private:
    bool receive()
    {
        pollfd waiting{socket_.native_handle(), POLLIN, 0};
        REQUIRE_MESSAGE(::poll(&waiting, 1, 20'000) == 1, "the server is silent");
        std::array<char, 64 * 1024> some;
        const std::size_t bytes = socket_.read_some(asio::buffer(some), end_);
        received_.append(some.data(), bytes);
        return !end_;
    }

    asio::io_context context_;
    asio::ip::tcp::socket socket_;
    std::string received_;
    boost::system::error_code end_;
};

/// Answers that are the same at any time.
inline http::server_options undated()
{
    http::server_options options;
    options.says_date = false;
    return options;
}

class serving {
public:
    explicit serving(http::handler answer, http::server_options options = undated(), std::size_t threads = 1)
        : server_(std::make_unique<http::server>(context_.get_executor(), std::move(answer), observed(options))),
          where_(server_->listen(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0)))
    {
        for (std::size_t i = 0; i < threads; ++i)
            threads_.emplace_back([this] { context_.run(); });
    }
    serving(const serving&) = delete;
    serving& operator=(const serving&) = delete;
    ~serving()
    {
        stop(0s).get();
        server_.reset();
        work_.reset();
        for (std::thread& each : threads_)
            each.join();
    }

    [[nodiscard]] std::future<void> stop(std::chrono::steady_clock::duration patience)
    {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        return asio::co_spawn(context_, server_->stop(deadline), asio::use_future);
    }
    [[nodiscard]] client connect() const { return client(where_); }
    /// What comes back for `text` on a connection of its own, until the server closes.
    [[nodiscard]] std::string ask(std::string_view text) const { return connect().send(text).rest(); }

    [[nodiscard]] http::server& server() { return *server_; }
    [[nodiscard]] server_record& record() { return record_; }
    [[nodiscard]] asio::io_context& context() { return context_; }
    [[nodiscard]] const asio::ip::tcp::endpoint& where() const { return where_; }

private:
    http::server_options observed(http::server_options options)
    {
        options.observer = &record_;
        return options;
    }

    server_record record_;
    asio::io_context context_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    std::unique_ptr<http::server> server_;
    asio::ip::tcp::endpoint where_;
    std::vector<std::thread> threads_;
};

inline const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
inline unsigned status_of(const std::string& answer)
{
    REQUIRE(answer.starts_with("HTTP/1.1 "));
    return static_cast<unsigned>(std::stoul(answer.substr(9, 3)));
}
inline std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

/// Answers with the method, the path and the body of what is asked.
inline asio::awaitable<void> echo(http::server_exchange& with)
{
    std::string text = with.request().method + " " + with.request().path() + " ";
    std::array<std::byte, 1000> some;
    for (std::size_t bytes = 1; bytes > 0;) {
        bytes = co_await with.read_some(some);
        text.append(reinterpret_cast<const char*>(some.data()), bytes);
    }
    co_await with.reply(200, text);
}

} // namespace test
