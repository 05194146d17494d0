#include "redaction.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

using tool::may_be_url;
using tool::redacted_message;
using tool::redacted_name;

TEST_CASE("redaction: what may be a URL is told from the name of a file")
{
    for (const std::string_view name : {"http://h/", "HTTPS://h", "http:/h", "https:us:pw@h/", " http://h", "'http://h'", "\"https:h\"",
                                        "<ftp://h>", "s3://bucket/key", "\thttp:h"}) {
        CAPTURE(name);
        CHECK(may_be_url(name));
    }
    for (const std::string_view name : {"user@host:path", "user:pw@host", "C:/x", "a:b", "./http://h", "/x/http://h", "mail@host", "",
                                        "http", "http:", "://", "-", "//host/x", "12:30", "weir-http:x", "a b://c"}) {
        CAPTURE(name);
        CHECK_FALSE(may_be_url(name));
    }
    CHECK(redacted_name("user@host:path?x#y") == "user@host:path?x#y");
    CHECK(redacted_name("\x01user@host") == "\x01user@host");
    CHECK(redacted_name(" https:us:hunter2@h/") == "***@h/");
    CHECK(redacted_name("http://us:hunter2@h/?token=hunter2&a=1") == "http://***@h/?token=***&a=1");
}

TEST_CASE("redaction: no message shows what is secret in a URL, however it was typed")
{
    for (const std::string url : {"http://us:hunter2@h/?token=hunter2", " http://us:hunter2@h/", "'https://us:hunter2@h/'",
                                  "\"http://h/?sig=hunter2\"", "https:us:hunter2@h/", "HTTP:/us:hunter2@h/x", "ftp://us:hunter2@h/",
                                  "http://us:hunter 2hunter2@h/", "<http://us:hunter2@h>", "https://us:hunter2@h/a b?key=hunter2",
                                  "http:us:hunter2@h", "http://h/#hunter2", "http://us:hunter2@h/?x?y=1"}) {
        CAPTURE(url);
        for (const std::string& message :
             {"open " + url + ": no such file", "read " + url + " at 7: bad format (a blank)", url, "--config: " + url,
              "unknown option '--x=" + url + "'; `weir check --help` lists the options", "a http://a/: " + url,
              "read list:7: open " + url + ": no such file", "unknown option '--" + url + "'"}) {
            const std::string shown = redacted_message(message);
            CAPTURE(message);
            CHECK(shown.find("hunter2") == std::string::npos);
            CHECK(shown.find("us:") == std::string::npos);
            CHECK(redacted_message(shown) == shown);
        }
    }
    CHECK(redacted_message("open http://us:pw@h/?token=T: no such file") == "open http://***@h/?token=***: no such file");
    CHECK(redacted_message("read http://u@h/x at 7: bad (of http://v@g/y)") == "read http://***@h/x at 7: bad (of http://***@g/y)");
}

TEST_CASE("redaction: all else stays as it is")
{
    for (const std::string_view text :
         {"open user@host:path: no such file", "open a@b: no", "x: y@z?w#v", "open /mirror/http://u@h/x?y: no such file", "", ":",
          "http: what is@this", "open ./http://u@h: no", "http://h", "get http://h:80/a: (503 x@y)", "12:30: a@b", "weir: http://h/x at 7"}) {
        CAPTURE(text);
        CHECK(redacted_message(text) == text);
    }
}

} // namespace
