#include <weir/testing/origin.hpp>

#include "incoming.hpp"
#include "player.hpp"
#include "poll.hpp"
#include "sockets.hpp"
#include "stage.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <list>
#include <memory>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace weir::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_connections = 1000;
// How soon a place that came free is noticed, where all were taken.
constexpr auto full_house = 5ms;

} // namespace

std::optional<std::string_view> received_request::field(std::string_view name) const noexcept
{
    const auto found =
        std::ranges::find_if(fields, [&](const auto& each) { return detail::same_text(each.first, name); });
    return found == fields.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

std::uint64_t origin_record::bytes_sent() const noexcept
{
    std::uint64_t sum = 0;
    for (const accepted_connection& each : connections)
        sum += each.bytes_sent;
    return sum;
}

std::size_t origin_record::open_connections() const noexcept
{
    return static_cast<std::size_t>(std::ranges::count(connections, connection_end::open, &accepted_connection::end));
}

bool origin_record::is_holding(std::string_view name) const noexcept
{
    return std::ranges::find(holding, name) != holding.end();
}

std::size_t origin_record::requests_for(std::string_view target) const noexcept
{
    return static_cast<std::size_t>(std::ranges::count(requests, target, &received_request::target));
}

/// The listening socket, a thread that accepts, and one for each connection.
class origin::server {
public:
    server(std::shared_ptr<const detail::script_data> script, origin_options options)
        : shared_(script, std::move(options)), listening_(script->address)
    {
        if (script->tls)
            identity_.emplace(script->tls->certificate, script->tls->key);
        acceptor_ = std::thread([this] { accept_all(); });
    }

    ~server()
    {
        shared_.stop().open();
        acceptor_.join();
        for (session& each : sessions_)
            each.thread.join();
    }

    [[nodiscard]] bool is_secure() const noexcept { return identity_.has_value(); }
    [[nodiscard]] const detail::listening& address() const noexcept { return listening_; }
    [[nodiscard]] detail::stage& shared() noexcept { return shared_; }

private:
    struct session {
        std::atomic<bool> over = false;
        std::thread thread;
    };

    void accept_all();
    void begin(int socket);
    void serve(int socket, std::uint64_t connection) noexcept;
    void reap();

    detail::stage shared_;
    detail::listening listening_;
    std::optional<detail::tls_identity> identity_;
    std::list<session> sessions_; // the acceptor's
    std::thread acceptor_;
};

void origin::server::accept_all()
{
    while (!shared_.stop().is_open()) {
        reap();
        if (sessions_.size() >= most_connections) {
            (void)detail::poll_for(-1, 0, {&shared_.stop()}, detail::clock::now() + full_house);
            continue;
        }
        if (detail::poll_for(listening_.descriptor(), POLLIN, {&shared_.stop()}) == 0)
            continue;
        const int socket = ::accept4(listening_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket != -1)
            begin(socket);
        else if (errno == EMFILE || errno == ENFILE) // the rest of the process may give some back
            (void)detail::poll_for(-1, 0, {&shared_.stop()}, detail::clock::now() + full_house);
    }
}

void origin::server::begin(int socket)
{
    detail::send_without_delay(socket);
    const std::uint64_t connection = shared_.connected();
    session& added = sessions_.emplace_back();
    try {
        added.thread = std::thread([this, socket, connection, &added] {
            serve(socket, connection);
            added.over = true;
        });
    }
    catch (const std::system_error&) { // no more threads: the peer sees that it was not served
        ::close(socket);
        sessions_.pop_back();
        shared_.ended(connection, connection_end::by_origin);
    }
}

void origin::server::serve(int socket, std::uint64_t connection) noexcept
{
    // OpenSSL writes as to a file: to a peer that has gone that is a signal, of this thread.
    sigset_t broken_pipe;
    ::sigemptyset(&broken_pipe);
    ::sigaddset(&broken_pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    connection_end how;
    {
        detail::wire peer(
            socket, shared_.stop(), [&](std::size_t bytes) { shared_.sent(connection, bytes); },
            identity_ ? &*identity_ : nullptr);
        how = detail::player(shared_, peer, connection).run();
    }
    shared_.ended(connection, how);
}

void origin::server::reap()
{
    std::erase_if(sessions_, [](session& each) {
        if (!each.over)
            return false;
        each.thread.join();
        return true;
    });
}

origin::origin(script played, origin_options options)
    : server_(std::make_unique<server>(std::move(played.data_), std::move(options)))
{}

origin::~origin() = default;

const std::string& origin::host() const noexcept { return server_->address().host(); }

std::uint16_t origin::port() const noexcept { return server_->address().port(); }

std::string origin::authority() const
{
    const detail::listening& at = server_->address();
    return at.is_unix() ? "localhost" : at.host() + ':' + std::to_string(at.port());
}

std::string origin::url(std::string_view target) const
{
    return (server_->is_secure() ? "https://" : "http://") + authority() + std::string(target);
}

void origin::play(script next) { server_->shared().play(std::move(next.data_)); }

void origin::release(std::string_view hold) { server_->shared().release(hold); }

origin_record origin::record() const { return server_->shared().record(); }

bool origin::wait_until(const std::function<bool(const origin_record&)>& condition,
                        std::chrono::milliseconds patience) const
{
    return server_->shared().wait_until(condition, patience);
}

} // namespace weir::testing
