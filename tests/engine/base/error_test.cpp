#include <weir/error.hpp>

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include <stdexcept>

namespace {

TEST_CASE("error: the text names operation, subject, place and cause")
{
    const weir::error failure(std::make_error_code(std::errc::io_error), "read", "a.bin", 1048576);
    CHECK(std::string_view(failure.what()) == "read a.bin at 1048576: input/output error");
    CHECK(failure.operation() == "read");
    CHECK(failure.subject() == "a.bin");
    CHECK(failure.offset() == 1048576u);
}

TEST_CASE("error: a NUL does not end the text")
{
    const std::string_view name("a\0b", 3);
    const weir::error failure(weir::errc::closed, "open", name);
    CHECK(std::string_view(failure.what()).starts_with("open a\\0b: "));
    CHECK(failure.subject() == name);
}

TEST_CASE("error: what was left out leaves no gap in the text")
{
    const weir::error failure(weir::errc::pool_too_small, "reserve", {}, std::nullopt, "needs 4 MiB");
    CHECK(std::string_view(failure.what()) == "reserve: the pool is too small (needs 4 MiB)");
}

TEST_CASE("error: codes of weir, of the system and of Asio compare with the conditions")
{
    CHECK(make_error_code(weir::errc::exhausted) == weir::condition::retryable);
    CHECK(make_error_code(weir::errc::bad_chunk_sizes) == weir::condition::bad_input);
    CHECK(make_error_code(weir::errc::bad_chunk_sizes) != weir::condition::retryable);
    CHECK(std::error_code(EMFILE, std::system_category()) == weir::condition::exhausted);
    CHECK(std::error_code(ENOENT, std::system_category()) == weir::condition::permanent);
    const std::error_code aborted = boost::asio::error::make_error_code(boost::asio::error::operation_aborted);
    CHECK(aborted == weir::condition::cancelled);
    CHECK(aborted == std::errc::operation_canceled);
    CHECK(std::error_code() != weir::condition::permanent);
}

TEST_CASE("error: a code has the name that programs know")
{
    CHECK(weir::code_name(std::error_code(ENOENT, std::system_category())) == "ENOENT");
    CHECK(weir::code_name(weir::errc::file_shrank) == "file_shrank");
}

TEST_CASE("error: code_of finds the code in any exception")
{
    CHECK(weir::code_of(std::make_exception_ptr(weir::error(weir::errc::closed, "read"))) == weir::errc::closed);
    CHECK(weir::code_of(std::make_exception_ptr(std::bad_alloc())) == std::errc::not_enough_memory);
    CHECK(weir::code_of(std::make_exception_ptr(std::runtime_error("x"))) == weir::errc::internal);
    const boost::system::system_error foreign(boost::asio::error::operation_aborted);
    CHECK(weir::code_of(std::make_exception_ptr(foreign)) == weir::condition::cancelled);
    CHECK(!weir::code_of(nullptr));
}

} // namespace
