// Tests of a program of its own, which uses the scripted origin. Exits with the number of things that were wrong.

#include <weir/testing/origin.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstdio>
#include <iterator>
#include <string>

namespace {

int failures = 0;

void expect(bool held, const char* what)
{
    if (held)
        return;
    std::fprintf(stderr, "not so: %s\n", what);
    ++failures;
}

void an_origin_plays_a_script()
{
    weir::testing::origin server(
        weir::testing::script::parse("object a 1000 seed 7\non /a\n serve a\n close at body 10\n"));
    boost::asio::ip::tcp::iostream wire(server.host(), std::to_string(server.port()));
    wire << "GET /a HTTP/1.1\r\n\r\n" << std::flush;
    const std::string answer{std::istreambuf_iterator<char>(wire), {}};
    expect(answer.ends_with("\r\n\r\n" + weir::testing::generated(7, 0, 10)),
           "the body breaks off where the script says");
    expect(server.requests().size() == 1, "the request is on record");
}

void errors_are_the_librarys()
{
    try {
        static_cast<void>(weir::testing::script::parse("frobnicate"));
    }
    catch (const weir::error& refused) {
        expect(refused.code() == weir::errc::bad_format, "a wrong script is an error of the library");
        return;
    }
    expect(false, "a wrong script is refused");
}

} // namespace

int main()
{
    an_origin_plays_a_script();
    errors_are_the_librarys();
    return failures;
}
