#include <weir/http/framing.hpp>

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using weir::http::body_end;
using weir::http::fields;
using weir::http::framing;
using weir::http::version;

framing answer_to(std::string_view method, unsigned status, const fields& head, version spoken = version::http_1_1)
{
    return weir::http::framing_of_response(method, status, spoken, head);
}

/// Whether `decide` refuses a message as breaking the protocol.
template <class Decide> bool is_refused(Decide decide)
{
    try {
        (void)decide();
    }
    catch (const weir::error& refused) {
        CHECK(refused.code() == weir::errc::protocol_violation);
        return true;
    }
    return false;
}

// RFC 9112, section 6.3
TEST_CASE("framing: the cases of RFC 9112 are told apart")
{
    const fields sized{{"Content-Length", "5"}}, chunked{{"Transfer-Encoding", "Chunked"}};
    CHECK(answer_to("GET", 200, sized) == framing{body_end::length, 5, true});
    CHECK(answer_to("GET", 200, chunked) == framing{body_end::chunked, 0, true});
    CHECK(answer_to("GET", 200, {}) == framing{body_end::close, 0, false});
    CHECK_FALSE(answer_to("GET", 200, {}).is_verifiable());
    CHECK(answer_to("GET", 200, sized).is_verifiable());
    for (const fields& head : {sized, chunked, fields{}}) {
        CHECK(answer_to("HEAD", 200, head) == framing{body_end::none, 0, true});
        CHECK(answer_to("GET", 204, head) == framing{body_end::none, 0, true});
        CHECK(answer_to("GET", 304, head) == framing{body_end::none, 0, true});
        CHECK(answer_to("GET", 100, head) == framing{body_end::none, 0, true});
        CHECK(answer_to("GET", 103, head) == framing{body_end::none, 0, true});
        CHECK(answer_to("GET", 101, head) == framing{body_end::tunnel, 0, false});
        CHECK(answer_to("CONNECT", 200, head) == framing{body_end::tunnel, 0, false});
    }
    CHECK(answer_to("CONNECT", 407, sized) == framing{body_end::length, 5, true});
    CHECK(answer_to("head", 200, sized).end == body_end::length); // methods have a case
    CHECK(weir::http::framing_of_request(version::http_1_1, sized) == framing{body_end::length, 5, true});
    CHECK(weir::http::framing_of_request(version::http_1_1, chunked) == framing{body_end::chunked, 0, true});
    CHECK(weir::http::framing_of_request(version::http_1_1, {}) == framing{body_end::none, 0, true});
}

TEST_CASE("framing: codings that two readers understand differently are refused, in answers and requests")
{
    for (const fields& head :
         {fields{{"Transfer-Encoding", "gzip, chunked"}}, fields{{"Transfer-Encoding", "chunked, chunked"}},
          fields{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
          fields{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "identity"}},
          fields{{"Transfer-Encoding", "chunked, deflate"}}, fields{{"Transfer-Encoding", "chunkedchunked"}},
          fields{{"Transfer-Encoding", "pigeons"}}, fields{{"Transfer-Encoding", "identity"}},
          fields{{"Transfer-Encoding", ""}}, fields{{"Transfer-Encoding", "chunked;q=1"}},
          fields{{"Transfer-Encoding",
                  "\xa0"
                  "chunked"}},
          fields{{"Transfer-Encoding", "\"chunked\""}}, fields{{"Transfer-Encoding", "chunked,"}},
          fields{{"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}},
          fields{{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}}) {
        CAPTURE(head.combined("Transfer-Encoding").value_or(""));
        CHECK(is_refused([&] { return answer_to("GET", 200, head); }));
        CHECK(is_refused([&] { return weir::http::framing_of_request(version::http_1_1, head); }));
    }
    const fields chunked{{"Transfer-Encoding", "chunked"}};
    CHECK(is_refused([&] { return answer_to("GET", 200, chunked, version::http_1_0); }));
    CHECK(is_refused([&] { return weir::http::framing_of_request(version::http_1_0, chunked); }));
}

TEST_CASE("content-length: one number up to 2^63-1, however often it is said")
{
    CHECK_FALSE(weir::http::content_length({}));
    CHECK(weir::http::content_length({{"Content-Length", "0"}}) == 0);
    CHECK(weir::http::content_length({{"Content-Length", "030"}}) == 30);
    CHECK(weir::http::content_length({{"Content-Length", "42,42"}, {"content-length", "42 , 42"}}) == 42);
    CHECK(weir::http::content_length({{"Content-Length", "9223372036854775807"}})
          == std::numeric_limits<std::int64_t>::max());
    for (const std::string_view value : {"", "-1", "+1", "1.0", "1e3", "0x20", "42s", "aaaah", "aaaah, aaaah", "42,30",
                                         "030, 30", "30,", ",30", "1 2", "9223372036854775808", "18446744073709551616",
                                         "99999999999999999999999", "-9223372036854775808", "\xd9\xa1"}) {
        CAPTURE(value);
        CHECK(is_refused([&] { return weir::http::content_length({{"Content-Length", std::string(value)}}); }));
    }
    CHECK(is_refused([] { return weir::http::content_length({{"Content-Length", "5"}, {"Content-Length", ""}}); }));
    CHECK(is_refused([] { return weir::http::content_length({{"Content-Length", "5"}, {"Content-Length", "6"}}); }));
}

TEST_CASE("connection: it is kept as version and options say")
{
    using weir::http::keeps_connection;
    CHECK(keeps_connection(version::http_1_1, {}));
    CHECK_FALSE(keeps_connection(version::http_1_0, {}));
    CHECK(keeps_connection(version::http_1_0, {{"Connection", "Keep-Alive"}}));
    CHECK_FALSE(keeps_connection(version::http_1_1, {{"Connection", "CLOSE"}}));
    CHECK_FALSE(keeps_connection(version::http_1_1, {{"Connection", "keep-alive, close"}}));
    CHECK_FALSE(keeps_connection(version::http_1_0, {{"Connection", "keep-alive"}, {"Connection", "x ,close"}}));
    CHECK(keeps_connection(version::http_1_1, {{"Connection", "closed"}, {"Proxy-Connection", "close"}}));
    CHECK_FALSE(answer_to("GET", 200, {{"Content-Length", "5"}, {"Connection", "close"}}).reusable);
    CHECK_FALSE(answer_to("GET", 200, {{"Content-Length", "5"}}, version::http_1_0).reusable);
}

TEST_CASE("keep-alive: what can be read is read, the rest is left out")
{
    using weir::http::keep_alive;
    using weir::http::keep_alive_of;
    CHECK(keep_alive_of({}) == keep_alive{});
    CHECK(keep_alive_of({{"Keep-Alive", "timeout=5, max=100"}}) == keep_alive{5s, 100});
    CHECK(keep_alive_of({{"Keep-Alive", "Timeout = 5"}, {"Keep-Alive", "x=1"}}) == keep_alive{5s, std::nullopt});
    CHECK(keep_alive_of({{"Keep-Alive", "timeout=-5, max, =3, max=x"}}) == keep_alive{});
    CHECK(keep_alive_of({{"Keep-Alive", "timeout=9223372036854775807"}}).timeout == std::chrono::years(100));
}

TEST_CASE("connection: what is for one connection goes, and nobody names away where a message goes or ends")
{
    fields head{{"Host", "h"},
                {"Connection", "X-Hop, close, Content-Length, host"},
                {"x-hop", "1"},
                {"Keep-Alive", "timeout=5"},
                {"TE", "trailers"},
                {"Upgrade", "h2c"},
                {"Proxy-Connection", "close"},
                {"Transfer-Encoding", "chunked"},
                {"Content-Length", "5"},
                {"Accept", "*/*"}};
    weir::http::erase_connection_fields(head);
    CHECK(head == fields{{"Host", "h"}, {"Content-Length", "5"}, {"Accept", "*/*"}});
}

TEST_CASE("connection: forwardings of OPTIONS and TRACE are counted, and the last one is told")
{
    using weir::http::count_forwarding;
    for (const std::string_view method : {"OPTIONS", "TRACE"}) {
        fields head{{"Max-Forwards", "10"}};
        CHECK(count_forwarding(method, head));
        CHECK(head == fields{{"Max-Forwards", "9"}});
        fields last{{"Max-Forwards", "0"}};
        CHECK_FALSE(count_forwarding(method, last));
    }
    for (const fields& given : {fields{}, fields{{"Max-Forwards", "-1"}}, fields{{"Max-Forwards", "many"}},
                                fields{{"Max-Forwards", "0"}, {"Max-Forwards", "5"}}}) {
        fields head = given;
        CHECK(count_forwarding("TRACE", head));
        CHECK(head == given);
    }
    fields other{{"Max-Forwards", "0"}};
    CHECK(count_forwarding("GET", other));
    CHECK(other == fields{{"Max-Forwards", "0"}});
}

} // namespace
