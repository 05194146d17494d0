#include "tunnel.hpp"

#include "sockets.hpp"

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <sys/socket.h>
#include <thread>

namespace weir::testing::detail {
namespace {

constexpr std::size_t most_at_once = 64 * 1024;

/// Copies what the client sends; the target is told of its end.
/// \returns  how the client, or the target, broke off instead of ending
std::optional<connection_over> copy_up(wire& client, wire& target, std::string_view begun)
{
    try {
        std::array<char, most_at_once> room;
        target.write(begun);
        while (const std::size_t count = client.read(room))
            target.write({room.data(), count});
        target.half_close();
        return std::nullopt;
    }
    catch (const connection_over& over) {
        ::shutdown(target.descriptor(), SHUT_RDWR); // ends the other direction
        return over;
    }
}

/// A target that aborts has ended.
std::size_t read_target(wire& target, std::span<char> into)
{
    try {
        return target.read(into);
    }
    catch (const connection_over& over) {
        if (over.how == connection_end::by_origin)
            throw;
        return 0;
    }
}

void copy_down(wire& target, outgoing& to_client)
{
    std::array<char, most_at_once> room;
    while (const std::size_t count = read_target(target, room)) {
        to_client.send({room.data(), count});
        to_client.flush();
    }
    to_client.finish();
}

} // namespace

bool run_tunnel(const std::string& authority, const latch& stop, wire& client, outgoing& to_client,
                incoming& from_client)
{
    const int socket = connect_to(authority, stop);
    if (socket == -1)
        return false;
    wire target(socket, stop, [](std::size_t) {});
    to_client.send("HTTP/1.1 200 Connection established\r\n\r\n");
    to_client.flush();
    std::optional<connection_over> broken;
    std::thread up([&, begun = from_client.take_rest()] { broken = copy_up(client, target, begun); });
    try {
        copy_down(target, to_client);
        client.half_close();
    }
    catch (...) {
        ::shutdown(client.descriptor(), SHUT_RD);
        ::shutdown(target.descriptor(), SHUT_RDWR);
        up.join();
        throw;
    }
    up.join();
    if (broken)
        throw connection_over(*broken);
    return true;
}

} // namespace weir::testing::detail
