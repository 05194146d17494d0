#include "fetch_exit.hpp"

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <cerrno>

namespace {

int exit_of(std::error_code code, std::string_view operation = "read")
{
    return tool::exit_code_of(weir::error(code, operation, "http://host/"));
}

int exit_of(int system_error, std::string_view operation = "read")
{
    return exit_of(std::error_code(system_error, std::system_category()), operation);
}

TEST_CASE("exit of a fetch: each kind of failure has its code")
{
    using weir::errc;
    CHECK(exit_of(errc::bad_format, "parse") == 2); // a URL
    CHECK(exit_of(errc::bad_format, "open") == 1);  // an archive
    CHECK(exit_of(errc::bad_format, "read") == 1);
    CHECK(exit_of(errc::unsupported_scheme) == 2);
    CHECK(exit_of(errc::resolve_failed) == 4);
    CHECK(exit_of(errc::resolver_unavailable) == 4);
    CHECK(exit_of(ECONNREFUSED) == 4);
    CHECK(exit_of(EHOSTUNREACH) == 4);
    CHECK(exit_of(ENETUNREACH) == 4);
    CHECK(exit_of(errc::tls_failed) == 5);
    CHECK(exit_of(errc::protocol_violation) == 6);
    CHECK(exit_of(errc::redirect_refused) == 6);
    CHECK(exit_of(errc::http_status) == 7);
    CHECK(exit_of(errc::ended_early) == 8);
    CHECK(exit_of(errc::version_changed) == 8);
    CHECK(exit_of(ECONNRESET) == 8);
    CHECK(exit_of(errc::mismatch) == 9);
    CHECK(exit_of(errc::connect_timeout) == 10);
    CHECK(exit_of(errc::deadline_exceeded) == 10);
    CHECK(exit_of(ETIMEDOUT) == 10);
}

TEST_CASE("exit of a fetch: what breaks off before there is a body is no valid answer")
{
    CHECK(exit_of(ECONNRESET, "read answer of") == 6);
    CHECK(exit_of(weir::errc::ended_early, "read answer of") == 6);
    CHECK(exit_of(weir::errc::deadline_exceeded, "read answer of") == 10);
}

TEST_CASE("exit of a fetch: a socket that is not there is no connection, and a file that is not there is any input")
{
    CHECK(exit_of(ENOENT, "connect to") == 4);
    CHECK(exit_of(ENOENT, "open") == 1);
    CHECK(exit_of(EIO) == 1);
}

} // namespace
