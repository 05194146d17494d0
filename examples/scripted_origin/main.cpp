// Tries a download that can be resumed on a server that breaks off.
//
//   $ scripted_origin
//   400000 bytes came, then 600000; the second request said bytes=400000-

#include <weir/fmt.hpp>
#include <weir/testing/origin.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <iterator>

/// The client under test: gives what came of the body.
std::string download(const weir::testing::origin& server, std::size_t from)
{
    boost::asio::ip::tcp::iostream wire(server.host(), std::to_string(server.port()));
    wire << "GET /disk.img HTTP/1.1\r\nConnection: close\r\nRange: bytes=" << from << "-\r\n\r\n" << std::flush;
    for (std::string line; std::getline(wire, line) && line != "\r";) {
    }
    return {std::istreambuf_iterator<char>(wire), {}};
}

int main()
{
    weir::testing::script script;
    script.object("disk", 1'000'000, 7);
    script.on("/disk.img").request(1).serve("disk").close(weir::testing::at_body(400'000));
    script.on("/disk.img").serve("disk");
    weir::testing::origin server(std::move(script));

    const std::string begin = download(server, 0);
    const std::string rest = download(server, begin.size());
    if (begin + rest != weir::testing::generated(7, 0, 1'000'000))
        return 1;
    fmt::print("{} bytes came, then {}; the second request said {}\n", begin.size(), rest.size(),
               server.requests().back().field("Range").value_or("nothing"));
}
