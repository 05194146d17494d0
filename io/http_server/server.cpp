#include <weir/http/server.hpp>

#include "http_server/core.hpp"
#include "http_server/listener.hpp"

#include <weir/error.hpp>

#include <cassert>
#include <utility>

namespace weir::http {

namespace asio = boost::asio;

namespace {

void require(bool held, std::string_view name)
{
    if (!held)
        throw error(errc::bad_configuration, "make server", name, std::nullopt, "must be more than 0");
}

const server_options& checked(const server_options& options)
{
    using std::chrono::milliseconds;
    require(options.connections > 0, "connections");
    require(options.exchanges_per_connection > 0, "exchanges_per_connection");
    require(options.head.bytes > 0 && options.head.lines > 0, "head");
    require(options.read_rate > 0, "read_rate");
    require(options.write_rate > 0, "write_rate");
    require(options.handshake_time > milliseconds(0), "handshake_time");
    require(options.head_time > milliseconds(0), "head_time");
    require(options.idle_time > milliseconds(0), "idle_time");
    require(options.read_time > milliseconds(0), "read_time");
    require(options.write_time > milliseconds(0), "write_time");
    require(options.close_time > milliseconds(0), "close_time");
    return options;
}

} // namespace

server_observer::~server_observer() = default;

server::server(asio::any_io_executor executor, handler answer, const server_options& options)
    : core_(std::make_shared<detail::server_core>(std::move(executor), std::move(answer), checked(options)))
{
    assert(core_->answer());
}

server::server(asio::any_io_executor executor, handler answer)
    : server(std::move(executor), std::move(answer), server_options())
{}

server::~server() { core_->cancel_all(); }

asio::ip::tcp::endpoint server::listen(const asio::ip::tcp::endpoint& where)
{
    asio::ip::tcp::acceptor acceptor = detail::listen_at(core_->executor(), where);
    const asio::ip::tcp::endpoint out = acceptor.local_endpoint();
    core_->listen(std::move(acceptor));
    return out;
}

void server::listen(const std::string& path) { core_->listen(path); }

asio::awaitable<void> server::stop(std::chrono::steady_clock::time_point deadline)
{
    return detail::server_core::stop(core_, deadline);
}

server_statistics server::statistics() const { return core_->statistics(); }

} // namespace weir::http
