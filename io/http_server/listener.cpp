#include "http_server/listener.hpp"

#include "base/event_loop.hpp"
#include "http_server/core.hpp"

#include <weir/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sstream>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weir::http::detail {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;

namespace {

/// Whether the client is to blame that a connection was not accepted. Else descriptors or memory are short, and the
/// queue of connections is as long as before.
bool is_of_client(const boost::system::error_code& failed) noexcept
{
    return failed == asio::error::connection_aborted || failed == asio::error::connection_reset
        || failed == asio::error::interrupted || failed == boost::system::errc::protocol_error;
}

constexpr bool is_local(const tcp::socket&) noexcept { return false; }
constexpr bool is_local(const stream_protocol::socket&) noexcept { return true; }

template <class Socket> void try_take_in(server_core& core, Socket socket, server_core::room taken)
{
    try {
        const bool local = is_local(socket);
        core.serve(net::transport(std::move(socket)), local, std::move(taken));
    }
    catch (const std::exception&) {
        core.tell_accept(code_of(std::current_exception()));
    }
}

template <class Socket, class Acceptor>
asio::awaitable<void> accept_all(std::shared_ptr<server_core> core, Acceptor acceptor)
{
    constexpr std::chrono::milliseconds pause(50);
    asio::steady_timer timer(acceptor.get_executor());
    for (;;) {
        Socket socket(acceptor.get_executor());
        const auto [failed] = co_await acceptor.async_accept(socket, asio::as_tuple(asio::use_awaitable));
        if (failed) {
            if (failed == asio::error::operation_aborted)
                co_return;
            core->tell_accept(failed);
            if (!is_of_client(failed)) {
                timer.expires_after(pause);
                co_await timer.async_wait(asio::use_awaitable);
            }
            continue;
        }
        server_core::room taken = co_await core->wait_for_room();
        try_take_in(*core, std::move(socket), std::move(taken));
    }
}

} // namespace

tcp::acceptor listen_at(const asio::any_io_executor& executor, const tcp::endpoint& where)
{
    try {
        tcp::acceptor out(executor, where); // with SO_REUSEADDR
        // A connection takes this over. What a client has not taken stays with whoever writes, beyond this much: it is seen
        // soon whether a slow one makes progress, and how fast, where else some MiB would have to drain first.
        const int unsent_bytes = 128 * 1024;
        ::setsockopt(out.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes, sizeof unsent_bytes);
        return out;
    }
    catch (const boost::system::system_error& failed) {
        std::ostringstream name;
        name << where;
        throw error(failed.code(), "listen at", name.str());
    }
}

local_acceptor::local_acceptor(const asio::any_io_executor& executor, const std::string& path)
    : acceptor_(weir::detail::with_event_loop(executor))
{
    try {
        acceptor_.open();
        acceptor_.bind(stream_protocol::endpoint(path));
        path_ = path;
        acceptor_.listen();
    }
    catch (const boost::system::system_error& failed) {
        if (!path_.empty())
            ::unlink(path_.c_str());
        throw error(failed.code(), "listen at", path);
    }
}

local_acceptor::local_acceptor(local_acceptor&& other) noexcept
    : acceptor_(std::move(other.acceptor_)), path_(std::exchange(other.path_, std::string()))
{}

local_acceptor::~local_acceptor()
{
    if (!path_.empty())
        ::unlink(path_.c_str());
}

asio::awaitable<void> accept_tcp(std::shared_ptr<server_core> core, tcp::acceptor acceptor)
{
    return accept_all<tcp::socket>(std::move(core), std::move(acceptor));
}

asio::awaitable<void> accept_local(std::shared_ptr<server_core> core, local_acceptor acceptor)
{
    return accept_all<local_acceptor::socket_type>(std::move(core), std::move(acceptor));
}

} // namespace weir::http::detail
