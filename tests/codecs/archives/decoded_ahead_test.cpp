// An archive that is compressed as a whole is decoded while its reader is busy, and may go at any time.

#include "archive_reading.hpp"
#include "tar_writing.hpp"

#include "support/sources.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <future>

namespace asio = boost::asio;
using test::bench;
using test::tar_file;
using weir::codec;

namespace decoded_ahead_test {
namespace {

constexpr std::size_t content_bytes = 2'000'000;
constexpr std::size_t decoded_at_once = std::size_t{128} << 10;

/// Small pieces of a stream, and word of how many were given.
class watched_source final : public weir::source {
public:
    struct watch {
        std::size_t awaited = 0; ///< bytes
        std::promise<void> given;
        std::promise<void> gone;
    };

    watched_source(std::span<const std::byte> content, std::shared_ptr<watch> by)
        : source_(content, in_small_pieces()), watch_(std::move(by))
    {}
    ~watched_source() override { watch_->gone.set_value(); }

    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        weir::bytes out = co_await source_.read(memory, max_bytes);
        given_ += out.size();
        if (given_ >= watch_->awaited && given_ - out.size() < watch_->awaited)
            watch_->given.set_value();
        co_return out;
    }

private:
    static test::script in_small_pieces()
    {
        test::script out;
        out.read_size = [] { return std::size_t{4096}; };
        return out;
    }

    test::scripted_source source_;
    std::shared_ptr<watch> watch_;
    std::size_t given_ = 0;
};

/// Three entries that hardly get smaller: so many bytes of input are about as many of content.
std::string compressed_archive()
{
    std::string text;
    for (std::uint64_t i = 0; i < 3; ++i) {
        const std::vector<std::byte> random = test::random_bytes(content_bytes, i);
        text += tar_file(std::to_string(i), std::string_view(reinterpret_cast<const char*>(random.data()), random.size()));
    }
    text += test::tar_end();
    const test::byte_vector out = test::encoded(codec::zstd, std::as_bytes(std::span(text)));
    return {reinterpret_cast<const char*>(out.data()), out.size()};
}

bool happens(std::future<void> what) { return what.wait_for(std::chrono::seconds(60)) == std::future_status::ready; }

} // namespace

TEST_CASE("decoded ahead: the decoder works on while nobody reads, and nothing is lost")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    bench b;
    const std::string text = compressed_archive();
    const auto watch = std::make_shared<watched_source::watch>();
    watch->awaited = 3 * decoded_at_once;
    auto input = std::make_unique<watched_source>(std::as_bytes(std::span(text)), watch);
    const auto opened = test::run(b.context, weir::open_archive(b.engine, std::move(input)));
    weir::reservation memory = b.engine.pool().try_reserve(1, b.engine.block_bytes()).value();
    for (std::uint64_t i = 0; i < 3; ++i) {
        const std::unique_ptr<weir::source> content = opened->open(test::run(b.context, opened->next()).value());
        test::byte_vector out = test::run(b.context, content->read(memory, 1000)).copy_out();
        if (i == 0)
            REQUIRE(happens(watch->given.get_future())); // the first turn of the decoder took a third of that
        test::run(b.context, test::read_into(out, *content, memory, 100'000));
        CHECK(out == test::random_bytes(content_bytes, i));
    }
    CHECK(!test::run(b.context, opened->next()));
    test::run(b.context, opened->close());
}

TEST_CASE("decoded ahead: archive and engine may go while it is decoded")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    const std::string text = compressed_archive();
    enum class way { closed, dropped, with_its_engine };
    for (const way how : {way::closed, way::dropped, way::with_its_engine})
        for (const std::size_t after : {std::size_t{1}, decoded_at_once, 3 * decoded_at_once}) {
            CAPTURE(static_cast<int>(how));
            CAPTURE(after);
            const auto watch = std::make_shared<watched_source::watch>();
            watch->awaited = after;
            auto b = std::make_unique<bench>();
            auto input = std::make_unique<watched_source>(std::as_bytes(std::span(text)), watch);
            auto opened = test::run(b->context, weir::open_archive(b->engine, std::move(input)));
            {
                weir::reservation memory = b->engine.pool().try_reserve(1, b->engine.block_bytes()).value();
                const auto content = opened->open(test::run(b->context, opened->next()).value());
                CHECK(!test::run(b->context, content->read(memory, 1000)).empty());
            }
            REQUIRE(happens(watch->given.get_future()));
            if (how == way::closed)
                test::run(b->context, opened->close());
            opened.reset();
            if (how != way::with_its_engine) {
                CHECK(happens(watch->gone.get_future()));
                CHECK(b->engine.pool().check());
            }
            b.reset();
            if (how == way::with_its_engine)
                CHECK(happens(watch->gone.get_future()));
        }
}

} // namespace decoded_ahead_test
