#pragma once
// Takes connections in, one listening socket each.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <memory>
#include <string>

namespace weir::http::detail {

class server_core;

/// A listening Unix socket, whose file goes with it.
class local_acceptor {
public:
    using socket_type = boost::asio::local::stream_protocol::socket;

    /// \throws weir::error  with the path
    local_acceptor(const boost::asio::any_io_executor& executor, const std::string& path);
    local_acceptor(local_acceptor&& other) noexcept;
    local_acceptor& operator=(local_acceptor&&) = delete;
    ~local_acceptor();

    [[nodiscard]] boost::asio::any_io_executor get_executor() { return acceptor_.get_executor(); }
    template <class Token> auto async_accept(socket_type& into, Token&& token)
    {
        return acceptor_.async_accept(into, std::forward<Token>(token));
    }

private:
    boost::asio::local::stream_protocol::acceptor acceptor_;
    std::string path_; // empty in what was moved from
};

/// \throws weir::error  with the address
[[nodiscard]] boost::asio::ip::tcp::acceptor listen_at(const boost::asio::any_io_executor& executor,
                                                       const boost::asio::ip::tcp::endpoint& where);

/// Accept until they are cancelled.
[[nodiscard]] boost::asio::awaitable<void> accept_tcp(std::shared_ptr<server_core> core,
                                                      boost::asio::ip::tcp::acceptor acceptor);
[[nodiscard]] boost::asio::awaitable<void> accept_local(std::shared_ptr<server_core> core, local_acceptor acceptor);

} // namespace weir::http::detail
