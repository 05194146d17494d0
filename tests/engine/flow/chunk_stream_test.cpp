#include <weir/chunk_stream.hpp>

#include "flow_bench.hpp"

#include "support/coroutine.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"
#include "support/sources.hpp"

#include <weir/as_result.hpp>
#include <weir/error.hpp>
#include <weir/flow.hpp>
#include <weir/hasher.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <semaphore>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using test::kib;
using test::mib;
using bench = test::flow_bench;

struct record {
    std::uint64_t offset;
    std::size_t size;
    weir::digest digest;
    bool operator==(const record&) const = default;
};

/// The chunks of `content`, made in the plainest way.
std::vector<record> expected(std::span<const std::byte> content, const weir::chunker_options& options,
                             weir::hash_algorithm hash = weir::hash_algorithm::sha256)
{
    weir::chunker chunker(options);
    std::vector<std::uint64_t> ends;
    chunker.push(content, ends);
    chunker.finish(ends);
    std::vector<record> out;
    std::uint64_t start = 0;
    for (const std::uint64_t end : ends) {
        out.push_back({start, end - start, weir::digest_of(hash, content.subspan(start, end - start))});
        start = end;
    }
    return out;
}

asio::awaitable<std::vector<record>> collect(weir::chunk_stream& chunks)
{
    std::vector<record> out;
    for (;;) {
        const std::span<weir::chunk> batch = co_await chunks.next_batch();
        if (batch.empty())
            break;
        for (const weir::chunk& each : batch) {
            CHECK(each.size() == each.content.size());
            out.push_back({each.offset, each.size(), each.digest});
        }
    }
    co_return out;
}

std::error_code code_of_next(asio::io_context& context, weir::chunk_stream& chunks)
{
    try {
        (void)test::run(context, chunks.next());
    }
    catch (const weir::error& failure) {
        return failure.code();
    }
    return {};
}

TEST_CASE("chunk_stream: gives the chunks and digests that a plain loop gives, whatever the sizes of the reads")
{
    auto random = test::generator();
    const auto content = test::random_bytes(5 * mib + random() % mib, random());
    for (const auto& options : {weir::weir1(16 * kib), weir::fastcdc2020(16 * kib), weir::fixed(10000)}) {
        const auto wanted = expected(content, options);
        for (int round = 0; round < 6; ++round) {
            bench b(8 * mib, 1 + static_cast<std::size_t>(round) % 3);
            const std::size_t largest = std::size_t{1} << (4 + random() % 16);
            test::script how;
            how.read_size = [&random, largest] { return random() % largest + largest / 2; };
            how.suspends = [&random] { return random() % 3 == 0; };
            weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content, how),
                                      {.chunker = options});
            CHECK(test::run(b.context, collect(chunks)) == wanted);
            test::run(b.context, chunks.close());
            CHECK(b.at_rest());
        }
    }
}

TEST_CASE("chunk_stream: every hash")
{
    const auto content = test::random_bytes(300 * kib, 7);
    for (const auto hash :
         {weir::hash_algorithm::sha256, weir::hash_algorithm::sha512_256, weir::hash_algorithm::xxh3_128}) {
        bench b;
        weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content),
                                  {.chunker = weir::weir1(4 * kib), .hash = hash});
        CHECK(test::run(b.context, collect(chunks)) == expected(content, weir::weir1(4 * kib), hash));
    }
}

TEST_CASE("chunk_stream: an empty source has no chunk, and its end stays its end")
{
    bench b;
    weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(std::span<const std::byte>()));
    CHECK(test::run(b.context, collect(chunks)).empty());
    CHECK(test::run(b.context, collect(chunks)).empty());
    CHECK(!test::run(b.context, chunks.next()));
}

asio::awaitable<std::vector<record>> collect_one_by_one(weir::chunk_stream& chunks)
{
    std::vector<record> out;
    while (std::optional<weir::chunk> each = co_await chunks.next())
        out.push_back({each->offset, each->size(), weir::digest_of(weir::hash_algorithm::sha256,
                                                                    each->content.copy_out())});
    co_return out;
}

TEST_CASE("chunk_stream: next gives one chunk at a time, with the content that its digest says")
{
    const auto content = test::random_bytes(3 * mib, 8);
    bench b;
    weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content),
                              {.chunker = weir::weir1(16 * kib)});
    CHECK(test::run(b.context, collect_one_by_one(chunks)) == expected(content, weir::weir1(16 * kib)));
}

TEST_CASE("chunk_stream: the smallest pool carries the largest chunks, byte by byte and with a wasteful source")
{
    const auto content = test::random_bytes(3 * mib, 9);
    const auto options = weir::fixed(mib);
    const std::size_t needed = weir::required_memory_bytes(options, 0, 64 * kib);
    SUBCASE("tiny reads that fill blocks")
    {
        bench b(needed);
        test::script how;
        how.read_size = [] { return std::size_t{977}; };
        weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content, how),
                                  {.chunker = options});
        CHECK(test::run(b.context, collect(chunks)) == expected(content, options));
    }
    SUBCASE("tiny reads, each in a block of its own")
    {
        bench b(needed);
        test::script how;
        how.read_size = [] { return std::size_t{977}; };
        how.wasteful = true;
        weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content, how),
                                  {.chunker = options});
        CHECK(test::run(b.context, collect(chunks)) == expected(content, options));
    }
    SUBCASE("one block less is refused, with the numbers")
    {
        bench b(needed - 64 * kib);
        CHECK_THROWS_WITH_AS(
            weir::chunk_stream(b.engine, std::make_unique<test::scripted_source>(content), {.chunker = options}),
            "stream scripted: the pool is too small (1245184 bytes are needed for chunks of up to 1048576, the limit "
            "is 1179648)",
            weir::error);
    }
}

TEST_CASE("chunk_stream: an error comes after the chunks before it, and stays")
{
    const auto content = test::random_bytes(mib, 10);
    bench b;
    test::script how;
    how.fails_at = 600 * kib;
    weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content, how),
                              {.chunker = weir::fixed(100 * kib)});
    for (int i = 0; i < 6; ++i)
        CHECK(test::run(b.context, chunks.next())->offset == static_cast<std::uint64_t>(i) * 100 * kib);
    for (int i = 0; i < 2; ++i)
        CHECK_THROWS_WITH_AS(test::run(b.context, chunks.next()),
                             "read scripted at 614400: input/output error", weir::error);
    test::run(b.context, chunks.close());
    CHECK(b.at_rest());
}

/// Never gives anything, until it is cancelled.
class silent_source final : public weir::source {
public:
    explicit silent_source(bool& closed) : closed_(closed) {}
    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t) override
    {
        weir::buffer held = co_await memory.async_take(asio::use_awaitable);
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
        co_return weir::bytes();
    }
    asio::awaitable<void> close() override
    {
        // A clean-up that awaits must work after a cancellation too.
        const auto executor = co_await asio::this_coro::executor;
        co_await asio::post(executor, asio::use_awaitable);
        closed_ = true;
    }

private:
    bool& closed_;
};

TEST_CASE("chunk_stream: close stops a source that waits, and waits for it")
{
    bench b;
    bool closed = false;
    weir::chunk_stream chunks(b.engine, std::make_unique<silent_source>(closed));
    asio::cancellation_signal stop;
    std::exception_ptr failure;
    asio::co_spawn(b.context, chunks.next(), asio::bind_cancellation_slot(stop.slot(), [&](auto thrown, auto) {
                       failure = thrown;
                   }));
    b.context.poll(); // the consumer is waiting now
    CHECK(!failure);
    stop.emit(asio::cancellation_type::terminal);
    b.context.restart();
    b.context.run();
    CHECK(weir::code_of(failure) == weir::condition::cancelled);
    CHECK(!closed);
    test::run(b.context, chunks.close());
    CHECK(closed);
    CHECK(b.at_rest());
    test::run(b.context, chunks.close());
}

TEST_CASE("chunk_stream: one that is closed before it has begun closes its source, and gives nothing")
{
    bench b;
    bool closed = false;
    weir::chunk_stream chunks(b.engine, std::make_unique<silent_source>(closed));
    test::run(b.context, chunks.close());
    CHECK(closed);
    CHECK(code_of_next(b.context, chunks) == weir::errc::closed);
    test::run(b.context, chunks.close());
    CHECK(b.engine.resources().statistics().of(weir::resource_kind::flow).live == 0);
    CHECK(b.at_rest());
}

TEST_CASE("chunk_stream: one that is closed gives nothing, also of what was read to its end")
{
    bench b;
    const auto content = test::random_bytes(1 * mib, 15);
    weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content), {.chunker = weir::fixed(64 * kib)});
    CHECK(test::run(b.context, chunks.next()));
    test::run(b.context, chunks.close());
    CHECK(code_of_next(b.context, chunks) == weir::errc::closed);
    CHECK(b.at_rest());
}

TEST_CASE("chunk_stream: what has not begun when its engine ends is closed")
{
    asio::io_context context;
    bool closed = false;
    std::optional<weir::chunk_stream> chunks;
    {
        weir::engine engine(context.get_executor(), bench::options(8 * mib, 2, 64 * kib));
        chunks.emplace(engine, std::make_unique<silent_source>(closed));
    }
    CHECK(code_of_next(context, *chunks) == weir::errc::closed);
}

TEST_CASE("chunk_stream: what is given up undigested does not count")
{
    // With one worker, which its second half keeps, nothing is digested before the stream is closed.
    class halting final : public weir::source {
    public:
        halting(std::span<const std::byte> content, std::binary_semaphore& halted, std::binary_semaphore& go)
            : left_(content), halted_(halted), go_(go)
        {}
        asio::awaitable<weir::bytes> read(weir::reservation&, std::size_t max_bytes) override
        {
            weir::bytes out;
            if (left_.empty()) {
                halted_.release();
                go_.acquire();
                co_return out;
            }
            const auto piece = left_.first(std::min(max_bytes, left_.size()));
            out.append(weir::slice::adopt(piece, std::make_shared<int>(0)));
            left_ = left_.subspan(piece.size());
            co_return out;
        }

    private:
        std::span<const std::byte> left_;
        std::binary_semaphore& halted_;
        std::binary_semaphore& go_;
    };
    const auto content = test::random_bytes(4 * mib, 17);
    std::binary_semaphore halted(0), go(0);
    bench b(32 * mib, 1);
    weir::chunk_stream chunks(b.engine, std::make_unique<halting>(content, halted, go), {.chunker = weir::fixed(64 * kib)});
    {
        test::task<std::optional<weir::chunk>> waiting(b.context.get_executor(), chunks.next());
        b.context.poll();
        halted.acquire();
        waiting.cancel();
        b.context.restart();
        b.context.poll();
        REQUIRE(waiting.done());
    }
    test::task<void> closing(b.context.get_executor(), chunks.close());
    b.context.restart();
    b.context.poll();
    go.release();
    b.context.restart();
    b.context.run();
    REQUIRE(closing.done());
    CHECK(chunks.statistics().bytes == 0);
    CHECK(b.engine.flows().bytes == 0);
}

TEST_CASE("chunk_stream: a chunk of very many slices is gathered in one go")
{
    // Each piece of 16 bytes is a slice of its own memory.
    class crumbs final : public weir::source {
    public:
        explicit crumbs(std::span<const std::byte> content) : left_(content) {}
        asio::awaitable<weir::bytes> read(weir::reservation&, std::size_t max_bytes) override
        {
            weir::bytes out;
            while (!left_.empty() && out.size() + 16 <= max_bytes) {
                const auto piece = left_.first(std::min<std::size_t>(16, left_.size()));
                out.append(weir::slice::adopt(piece, std::make_shared<int>(0)));
                left_ = left_.subspan(piece.size());
            }
            co_return out;
        }

    private:
        std::span<const std::byte> left_;
    };
    const auto content = test::random_bytes(3 * mib, 16);
    bench b;
    const weir::chunker_options options = weir::fixed(1 * mib);
    weir::chunk_stream chunks(b.engine, std::make_unique<crumbs>(content), {.chunker = options});
    CHECK(test::run(b.context, collect(chunks)) == expected(content, options));
    test::run(b.context, chunks.close());
    CHECK(b.at_rest());
}

TEST_CASE("chunk_stream: a cancelled next loses nothing")
{
    const auto content = test::random_bytes(2 * mib, 11);
    bench b;
    auto random = test::generator(1);
    auto sizes = test::generator(2); // of its own: a worker draws from it
    test::script how;
    how.suspends = [] { return true; };
    how.read_size = [&sizes] { return sizes() % (64 * kib); };
    weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content, how),
                              {.chunker = weir::weir1(16 * kib)});
    std::vector<record> got;
    bool ended = false;
    int cancelled = 0;
    while (!ended) {
        asio::cancellation_signal stop;
        asio::co_spawn(b.context, chunks.next(),
                       asio::bind_cancellation_slot(
                           stop.slot(), [&](const std::exception_ptr& thrown, std::optional<weir::chunk> each) {
                               cancelled += thrown != nullptr;
                               ended = !thrown && !each;
                               if (each)
                                   got.push_back({each->offset, each->size(), each->digest});
                           }));
        b.context.restart();
        for (auto polls = random() % 4; polls > 0; --polls)
            b.context.poll();
        stop.emit(asio::cancellation_type::terminal);
        b.context.restart();
        b.context.run();
    }
    CHECK(got == expected(content, weir::weir1(16 * kib)));
    MESSAGE("cancelled ", cancelled, " times");
}

TEST_CASE("chunk_stream: one that is dropped in the middle gives everything back")
{
    const auto content = test::random_bytes(8 * mib, 12);
    bench b(4 * mib);
    int alive = 0;
    std::optional<weir::chunk> kept;
    {
        weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content, test::script(), &alive),
                                  {.chunker = weir::weir1(16 * kib)});
        kept = test::run(b.context, chunks.next());
    }
    // Whoever comes next gets the memory: a reservation of all of it waits until the stream is gone.
    kept.reset();
    const std::size_t all = 4 * mib / (64 * kib);
    asio::co_spawn(b.context, [](weir::buffer_pool& pool, std::size_t blocks) -> asio::awaitable<void> {
        (void)co_await pool.async_reserve(blocks, 64 * kib, asio::use_awaitable);
    }(b.engine.pool(), all), [](const std::exception_ptr& failure) { CHECK(!failure); });
    b.context.restart();
    b.context.run();
    CHECK(b.at_rest());
    CHECK(alive == 0);
}

TEST_CASE("chunk_stream: content outlives its engine")
{
    const auto content = test::random_bytes(100 * kib, 13);
    std::optional<weir::chunk> kept;
    {
        bench b;
        weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content),
                                  {.chunker = weir::fixed(70 * kib)});
        kept = test::run(b.context, chunks.next());
    }
    const auto copy = kept->content.copy_out();
    CHECK(std::equal(copy.begin(), copy.end(), content.begin()));
}

TEST_CASE("chunk_stream: an engine that ends completes a waiting consumer")
{
    asio::io_context context;
    bool closed = false;
    std::exception_ptr failure;
    std::optional<weir::chunk_stream> chunks;
    {
        weir::engine engine(context.get_executor(), bench::options(8 * mib, 2, 64 * kib));
        chunks.emplace(engine, std::make_unique<silent_source>(closed));
        asio::co_spawn(context, chunks->next(), [&](auto thrown, auto) { failure = thrown; });
        context.poll();
    }
    context.restart();
    context.run();
    CHECK(weir::code_of(failure) == weir::errc::closed);
}

TEST_CASE("chunk_stream: a slow consumer stops the source")
{
    const auto content = test::random_bytes(16 * mib, 14);
    bench b(4 * mib);
    std::atomic<std::size_t> asked = 0; // by a worker
    test::script how;
    how.read_size = [&asked] {
        ++asked;
        return 64 * kib;
    };
    weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content, how),
                              {.chunker = weir::fixed(64 * kib)});
    const auto first = test::run(b.context, chunks.next());
    REQUIRE(first);
    // Whatever the workers do meanwhile, they cannot read more than the pool holds.
    test::run(b.context, [](weir::engine& engine) -> asio::awaitable<void> {
        for (int i = 0; i < 100; ++i)
            co_await asio::post(engine.workers().executor(),
                                asio::bind_executor(engine.workers().executor(), asio::use_awaitable));
    }(b.engine));
    CHECK(asked <= 4 * mib / (64 * kib) + 1);
    test::run(b.context, chunks.close());
}

// Asks at its closing; it cannot know more by itself.
class asking_source final : public weir::source {
public:
    asking_source(std::span<const std::byte> content, std::function<void()> at_close)
        : inner_(content), at_close_(std::move(at_close))
    {
    }
    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        return inner_.read(memory, max_bytes);
    }
    std::string_view name() const noexcept override { return "asking"; }
    asio::awaitable<void> close() override
    {
        at_close_();
        co_return;
    }

private:
    test::scripted_source inner_;
    std::function<void()> at_close_;
};

TEST_CASE("chunk_stream: a source is closed when all that it gave is digested, so that it can say whether it was so")
{
    const auto content = test::random_bytes(6 * mib, 11);
    bench b;
    std::uint64_t digested = 0;
    std::unique_ptr<weir::chunk_stream> chunks;
    chunks = std::make_unique<weir::chunk_stream>(
        b.engine, std::make_unique<asking_source>(content, [&] { digested = chunks->statistics().bytes; }),
        weir::stream_options{.chunker = weir::fixed(64 * kib)});
    CHECK(test::run(b.context, collect(*chunks)).size() == 96);
    CHECK(digested == content.size());
    test::run(b.context, chunks->close());
}

TEST_CASE("chunk_stream: what a source says at its closing ends the stream")
{
    const auto content = test::random_bytes(100 * kib, 12);
    bench b;
    const auto broken = [] { throw weir::error(weir::errc::mapping_broken, "read", "asking"); };
    weir::chunk_stream chunks(b.engine, std::make_unique<asking_source>(content, broken),
                              {.chunker = weir::fixed(10 * kib)});
    std::error_code failure;
    try {
        test::run(b.context, collect(chunks));
    }
    catch (const weir::error& ended) {
        failure = ended.code();
    }
    CHECK(failure == weir::errc::mapping_broken);
    test::run(b.context, chunks.close());
    CHECK(b.at_rest());
}

} // namespace
