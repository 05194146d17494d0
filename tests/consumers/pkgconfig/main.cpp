// A program of its own, with its own, header-only Asio: an error that the library throws is caught here by its
// type, and its code compares equal to what this side names. Exits with the number of things that were wrong.

#include <weir/buffer_pool.hpp>
#include <weir/compress.hpp>
#include <weir/error.hpp>
#include <weir/version.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <string_view>

namespace {

int failures = 0;

void expect(bool held, const char* what)
{
    if (held)
        return;
    std::fprintf(stderr, "not so: %s\n", what);
    ++failures;
}

void errors_are_caught_by_type()
{
    try {
        weir::throw_system_error(ENOENT, "open", "missing.bin");
    }
    catch (const weir::error& failure) {
        expect(failure.code() == std::errc::no_such_file_or_directory, "the system's code compares with std::errc");
        expect(failure.code() == weir::condition::permanent, "and with the library's condition");
        expect(failure.subject() == "missing.bin", "the error knows its subject");
        expect(std::string_view(failure.what()).starts_with("open missing.bin: "), "and says it");
        return;
    }
    expect(false, "weir::error is caught as what it is");
}

void categories_are_one_instance()
{
    const std::error_code code = weir::errc::closed;
    expect(code == weir::errc::closed, "a code made here equals one made here");
    expect(code.category() == weir::weir_category(), "its category is the library's");
    const std::exception_ptr thrown = std::make_exception_ptr(weir::error(weir::errc::closed, "read"));
    expect(weir::code_of(thrown) == code, "a code that the library finds equals one made here");
}

void our_own_asio_works_beside_the_librarys()
{
    boost::asio::io_context context;
    boost::asio::steady_timer timer(context, std::chrono::hours(1));
    std::error_code seen;
    timer.async_wait([&](boost::system::error_code error) { seen = error; });
    boost::asio::post(context, [&] { timer.cancel(); });
    context.run();
    expect(seen == weir::condition::cancelled, "Asio's aborted operation is the library's cancelled");
}

void pool_throws_and_completes_across_the_library()
{
    weir::pool_options options;
    options.tiers = {{.block_bytes = 65536, .max_blocks = 1}};
    auto pool = std::make_unique<weir::buffer_pool>(options);
    try {
        static_cast<void>(pool->acquire_now(0));
        expect(false, "a size of 0 is refused");
    }
    catch (const weir::error& failure) {
        expect(failure.code() == weir::errc::invalid_size, "by a code of the library");
    }

    boost::asio::io_context context;
    std::error_code seen;
    weir::buffer first = pool->acquire_now(1);
    pool->async_acquire(1, boost::asio::bind_executor(context, [&](boost::system::error_code error, weir::buffer block) {
                            expect(!error && block, "a waiter gets the block that came back");
                        }));
    first = {};
    context.run();

    context.restart();
    first = pool->acquire_now(1);
    pool->async_acquire(1, boost::asio::bind_executor(
                               context, [&](boost::system::error_code error, weir::buffer) { seen = error; }));
    pool.reset();
    context.run();
    expect(seen == weir::errc::closed, "a code that comes through Boost's type is still the library's");
}

// A library that the link leaves out shows.
void every_codec_is_linked()
{
    constexpr std::string_view message = "abc";
    const std::span<const std::byte> bytes = std::as_bytes(std::span(message));
    for (const weir::codec each : weir::all_codecs()) {
        if (!weir::is_built_in(each))
            continue;
        const auto back = weir::decompress(weir::compress(bytes, each), each, bytes.size());
        expect(std::ranges::equal(back, bytes), "what a codec encodes comes back");
    }
}

} // namespace

int main()
{
    static_assert(WEIR_VERSION_NUMBER == WEIR_VERSION_MAJOR * 10000 + WEIR_VERSION_MINOR * 100 + WEIR_VERSION_PATCH);
    errors_are_caught_by_type();
    categories_are_one_instance();
    our_own_asio_works_beside_the_librarys();
    pool_throws_and_completes_across_the_library();
    every_codec_is_linked();
    return failures;
}
