// Memory, cancellation and ends of chunk_compressor.

#include "packing.hpp"

#include "support/allocation_counter.hpp"
#include "support/seed.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <optional>

namespace asio = boost::asio;
using test::bench;
using test::some_codec;
using weir::errc;

namespace {

std::vector<weir::chunk> compressible(std::size_t count, std::size_t size)
{
    std::vector<weir::chunk> out;
    for (std::size_t i = 0; i < count; ++i)
        out.push_back(test::chunk_of(test::words(size, i), 40'000));
    return out;
}

weir::engine_options two_workers() { return {.memory_bytes = 16 << 20, .workers = {.threads = 2}}; }

std::size_t in_use(const bench& b) { return b.engine.pool().statistics().in_use_bytes; }

/// Allocations so far on the only worker of an engine.
std::size_t allocations_there(weir::engine& engine)
{
    return asio::post(engine.workers().executor(), asio::use_future([] { return test::allocations(); })).get();
}

/// One worker, and a compressor of four blocks, beside which the pool has none.
struct narrow_bench {
    asio::io_context context;
    weir::engine engine{context.get_executor(),
                        {.memory_bytes = 1 << 20, .block_bytes = 64 << 10, .workers = {.threads = 1}}};
    std::optional<weir::chunk_compressor> compressor{std::in_place, engine,
                                                     weir::chunk_compression_options{
                                                         .codec = some_codec(), .batch_bytes = 128 << 10}};
    weir::reservation rest = engine.pool().try_reserve(12, engine.block_bytes()).value(); // nothing elastic
};

/// Compresses by an eighth. A call wants three of a narrow bench's blocks for it, which is all but that of the lane,
/// and takes two such chunks when it has all four.
std::shared_ptr<const test::byte_vector> hardly_compressible()
{
    test::byte_vector content = test::random_bytes(100'000, 5);
    std::fill_n(content.begin(), content.size() / 8, std::byte{0});
    return std::make_shared<const test::byte_vector>(std::move(content));
}

weir::chunk chunk_in(const std::shared_ptr<const test::byte_vector>& owner)
{
    weir::chunk out;
    out.content.append(weir::slice::adopt(*owner, owner));
    return out;
}

/// A third chunk's call that waits for memory, since what the first two gave is kept. All are in `owner`.
struct waiting_call {
    explicit waiting_call(narrow_bench& on, const std::shared_ptr<const test::byte_vector>& owner)
        : chunks(3, chunk_in(owner)),
          running(on.context.get_executor(), test::pack_into(kept, *on.compressor, chunks))
    {
        while (kept.empty())
            on.context.run_one();
        test::run_ready(on.context);
        REQUIRE_FALSE(running.done());
    }

    std::vector<weir::chunk> chunks;
    test::packed_list kept;
    test::task<void> running;
};

asio::awaitable<void> pack_and_drop(weir::chunk_compressor& with, std::span<const weir::chunk> rest)
{
    while (!rest.empty()) {
        weir::packed_batch packed = co_await with.pack(rest);
        rest = rest.subspan(packed.size());
    }
}

} // namespace

TEST_CASE("chunk compressor: cancelled after any step, its blocks are back and it packs the same chunks again")
{
    bench b;
    const std::vector<weir::chunk> chunks = compressible(30, 60'000);
    weir::chunk_compressor compressor(b.engine, {.codec = some_codec(), .batch_bytes = 500'000});
    const std::size_t reserved = in_use(b);
    bool ended = false;
    for (int steps = 0; !ended; ++steps) {
        CAPTURE(steps);
        test::packed_list got;
        test::task<void> running(b.context.get_executor(), test::pack_into(got, compressor, chunks));
        b.context.restart();
        for (int i = 0; i < steps && !running.done(); ++i)
            b.context.run_one();
        ended = running.done();
        running.cancel();
        b.context.restart();
        b.context.run();
        REQUIRE(running.done());
        CHECK(running.outcome().has_value() == (got.size() == chunks.size()));
        if (!running.outcome())
            CHECK(running.outcome().code() == weir::condition::cancelled);
        got.clear();
        CHECK(in_use(b) == reserved);
    }
    CHECK(test::packed(b, compressor, chunks).size() == chunks.size());
}

TEST_CASE("chunk compressor: cancelled between memory and work, it keeps neither blocks nor chunks")
{
    narrow_bench b;
    const auto owner = hardly_compressible();
    {
        waiting_call call(b, owner);
        call.running.cancel(); // by a post: reaches the call when its wait is over, and before it resumes
        call.kept.clear();
        b.context.restart();
        b.context.run();
        REQUIRE(call.running.done());
        CHECK(call.running.outcome().code() == weir::condition::cancelled);
    }
    CHECK(owner.use_count() == 1);
    test::packed_list again;
    const std::vector<weir::chunk> chunks(1, chunk_in(owner));
    test::task<void> running(b.context.get_executor(), test::pack_into(again, *b.compressor, chunks));
    b.context.restart();
    b.context.run_for(std::chrono::seconds(20));
    REQUIRE(running.done());
    running.outcome().value();
    CHECK(again.size() == 1);
}

TEST_CASE("chunk compressor: that ends between a call's memory and its work closes the call")
{
    narrow_bench b;
    const std::size_t others = b.rest.blocks() * b.engine.block_bytes();
    const auto owner = hardly_compressible();
    {
        waiting_call call(b, owner);
        call.kept.clear();
        b.compressor.reset();
        b.context.restart();
        b.context.run();
        REQUIRE(call.running.done());
        CHECK(call.running.outcome().code() == errc::closed);
    }
    CHECK(owner.use_count() == 1);
    CHECK(b.engine.pool().statistics().in_use_bytes == others);
}

TEST_CASE("chunk compressor: that ends while a call waits for memory closes the call")
{
    narrow_bench b;
    waiting_call call(b, hardly_compressible());
    b.compressor.reset();
    b.context.restart();
    b.context.run();
    REQUIRE(call.running.done());
    CHECK(call.running.outcome().code() == errc::closed);
}

TEST_CASE("chunk compressor: that ends while its lanes work closes the call")
{
    bench b;
    const std::vector<weir::chunk> chunks = compressible(40, 100'000);
    std::optional<weir::chunk_compressor> compressor(
        std::in_place, b.engine,
        weir::chunk_compression_options{.codec = some_codec(), .settings = {.level = weir::codec_level::best}});
    test::packed_list got;
    test::task<void> running(b.context.get_executor(), test::pack_into(got, *compressor, chunks));
    test::run_ready(b.context); // seconds of work, in turns
    REQUIRE_FALSE(running.done());
    compressor.reset();
    b.context.restart();
    b.context.run();
    REQUIRE(running.done());
    CHECK(running.outcome().code() == errc::closed);
    CHECK(got.empty());
    CHECK(in_use(b) == 0);
}

TEST_CASE("chunk compressor: that ends while prepare waits closes it, and takes no memory")
{
    bench b(std::size_t{4} << 20);
    std::optional<weir::reservation> others = b.engine.pool().try_reserve(60, b.engine.block_bytes());
    std::optional<weir::chunk_compressor> compressor(
        std::in_place, b.engine, weir::chunk_compression_options{.codec = some_codec(), .batch_bytes = 300'000});
    test::task<void> waiting(b.context.get_executor(), compressor->prepare());
    test::run_ready(b.context);
    compressor.reset();
    others.reset();
    b.context.restart();
    b.context.run();
    REQUIRE(waiting.done());
    CHECK(waiting.outcome().code() == errc::closed);
    CHECK(in_use(b) == 0);
}

TEST_CASE("chunk compressor: one that is assigned to gives its memory back")
{
    bench b;
    weir::chunk_compressor first(b.engine, {.codec = some_codec(), .batch_bytes = 60'000});
    const std::size_t one = in_use(b);
    weir::chunk_compressor second(b.engine, {.codec = some_codec(), .batch_bytes = 60'000});
    first = std::move(second);
    CHECK(in_use(b) == one);
}

TEST_CASE("chunk compressor: the end of a chunk's memory may drop a batch of the same compressor")
{
    struct holder {
        test::byte_vector content;
        weir::packed_batch batch;
    };
    const std::shared_ptr<weir::buffer_pool> pool = weir::make_engine_pool(two_workers());
    const auto workers = std::make_shared<weir::worker_pool>(two_workers().workers);
    auto context = std::make_unique<asio::io_context>();
    weir::engine engine(context->get_executor(), pool, workers, {});
    weir::chunk_compressor compressor(
        engine, {.codec = some_codec(), .settings = {.level = weir::codec_level::best}});
    const std::vector<weir::chunk> others = compressible(2, 10'000);
    std::vector<weir::chunk> chunks = compressible(40, 100'000);
    auto owner = std::make_shared<holder>();
    owner->content = test::words(100'000, 1);
    owner->batch = test::await(*context, compressor.pack(others));
    chunks.back().content = weir::bytes(weir::slice::adopt(owner->content, owner));
    const std::weak_ptr<holder> seen = std::exchange(owner, nullptr);
    test::packed_list got;
    test::task<void> running(context->get_executor(), test::pack_into(got, compressor, chunks));
    test::run_ready(*context);
    REQUIRE_FALSE(running.done());
    chunks.clear(); // the workers have the last share
    context.reset();
    asio::io_context next;
    test::await(next, test::pack_into(got, compressor, others));
    CHECK(seen.expired());
    CHECK(got.size() == others.size());
}

TEST_CASE("chunk compressor: who keeps all that was packed waits for memory, and goes on when it drops it")
{
    bench b(std::size_t{2} << 20);
    const std::vector<weir::chunk> chunks = compressible(400, 60'000);
    weir::chunk_compressor compressor(b.engine, {.codec = some_codec(), .batch_bytes = 300'000});
    test::packed_list kept;
    test::task<void> running(b.context.get_executor(), test::pack_into(kept, compressor, chunks));
    const auto all_taken = [&] { return in_use(b) == b.engine.memory_bytes(); };
    std::size_t dropped = 0;
    while (!running.done()) {
        b.context.restart();
        while (!running.done() && !all_taken())
            b.context.run_one();
        b.context.restart();
        b.context.run_for(std::chrono::milliseconds(20)); // what still fits
        if (running.done())
            break;
        dropped += kept.size();
        kept.clear();
    }
    running.outcome().value();
    CHECK(dropped > 0);
    CHECK(dropped + kept.size() == chunks.size());
    kept.clear();
}

TEST_CASE("chunk compressor: a batch that is dropped before the next call never makes it wait")
{
    bench b(std::size_t{4} << 20);
    const std::vector<weir::chunk> chunks = compressible(100, 60'000);
    weir::chunk_compressor compressor(b.engine, {.codec = some_codec(), .batch_bytes = 60'000});
    const weir::reservation rest = b.engine.pool().try_reserve(59, b.engine.block_bytes()).value(); // nothing elastic
    test::await(b.context, pack_and_drop(compressor, chunks));
    CHECK(compressor.statistics().in.chunks == chunks.size());
}

TEST_CASE("chunk compressor: what is admitted fits, however lanes share it and whatever they have begun")
{
    std::mt19937_64 random = test::generator(22);
    asio::io_context context;
    weir::engine engine(context.get_executor(),
                        {.memory_bytes = 1 << 20, .block_bytes = 16 << 10, .workers = {.threads = 4}});
    const weir::chunk_compression_options options{.codec = some_codec(), .least_saving = 0, .batch_bytes = 20'000};
    weir::chunk_compressor compressor(engine, options);
    const std::size_t others = 64 - weir::compression_blocks(engine, options);
    const weir::reservation rest = engine.pool().try_reserve(others, engine.block_bytes()).value(); // nothing elastic
    std::vector<weir::chunk> chunks;
    for (int i = 0; i < 300; ++i) { // hardly smaller when they are compressed, and two do not fit into a block
        const std::size_t size = 8500 + random() % 1000;
        test::byte_vector content = test::random_bytes(size, random());
        std::fill_n(content.begin(), size / 32, std::byte{0});
        chunks.push_back(test::chunk_of(content));
    }
    for (int round = 0; round < 10; ++round)
        test::await(context, pack_and_drop(compressor, chunks));
    CHECK(compressor.statistics().compressed.chunks > 1000);
}

TEST_CASE("chunk compressor: without its memory it can wait for it, or says that there is none")
{
    bench b(std::size_t{4} << 20);
    std::optional<weir::reservation> others = b.engine.pool().try_reserve(60, b.engine.block_bytes());
    REQUIRE(others);
    weir::chunk_compressor compressor(b.engine, {.codec = some_codec(), .batch_bytes = 300'000});
    const std::vector<weir::chunk> chunks = compressible(2, 60'000);
    CHECK(test::code_of([&] { test::packed(b, compressor, chunks); }) == errc::exhausted);
    test::task<void> waiting(b.context.get_executor(), compressor.prepare());
    test::run_ready(b.context);
    CHECK_FALSE(waiting.done());
    others.reset();
    b.context.restart();
    b.context.run();
    waiting.outcome().value();
    CHECK(test::packed(b, compressor, chunks).size() == 2);
}

TEST_CASE("chunk compressor: turns of a call that was left in the middle may be dropped with their workers")
{
    const auto owner = std::make_shared<const test::byte_vector>(test::words(100'000, 1));
    std::vector<weir::chunk> chunks(40, chunk_in(owner));
    const std::shared_ptr<weir::buffer_pool> pool = weir::make_engine_pool(two_workers());
    auto workers = std::make_shared<weir::worker_pool>(two_workers().workers);
    auto context = std::make_unique<asio::io_context>();
    std::optional<weir::engine> engine(std::in_place, context->get_executor(), pool, workers, weir::engine_options{});
    weir::chunk_compressor compressor(
        *engine, {.codec = some_codec(), .settings = {.level = weir::codec_level::best}});
    test::packed_list got;
    test::task<void> running(context->get_executor(), test::pack_into(got, compressor, chunks));
    test::run_ready(*context); // seconds of work, in turns
    REQUIRE_FALSE(running.done());
    context.reset();
    engine.reset();
    workers.reset();
    chunks.clear();
    CHECK(owner.use_count() == 1);
}

TEST_CASE("chunk compressor: where the caller's context ends in the middle, the workers leave off and nothing is lost")
{
    const std::vector<weir::chunk> chunks = compressible(40, 100'000);
    const std::shared_ptr<weir::buffer_pool> pool = weir::make_engine_pool(two_workers());
    const auto workers = std::make_shared<weir::worker_pool>(two_workers().workers);
    for (int steps = 0; steps < 6; ++steps) {
        auto context = std::make_unique<asio::io_context>();
        weir::engine engine(context->get_executor(), pool, workers, {});
        weir::chunk_compressor compressor(engine, {.codec = some_codec()});
        test::packed_list got;
        std::optional<test::task<void>> running;
        running.emplace(context->get_executor(), test::pack_into(got, compressor, chunks));
        for (int i = 0; i < steps; ++i)
            context->poll_one();
        context.reset();
        got.clear();
        asio::io_context next; // the same compressor, from elsewhere
        test::await(next, test::pack_into(got, compressor, chunks));
        CHECK(got.size() == chunks.size());
    }
    CHECK(pool->statistics().in_use_bytes == 0);
}

TEST_CASE("chunk compressor: several work side by side, each for a strand of its own")
{
    bench b;
    const std::vector<weir::chunk> chunks = compressible(30, 60'000);
    std::vector<weir::chunk_compressor> compressors;
    std::vector<test::packed_list> got(4);
    std::vector<test::task<void>> running;
    const weir::chunk_compression_options options{.codec = some_codec(), .batch_bytes = 300'000};
    for (std::size_t i = 0; i < got.size(); ++i)
        compressors.emplace_back(b.engine, options);
    for (std::size_t i = 0; i < got.size(); ++i)
        running.emplace_back(asio::make_strand(b.context), pack_and_drop(compressors[i], chunks));
    b.context.run();
    for (std::size_t i = 0; i < got.size(); ++i) {
        running[i].outcome().value();
        CHECK(compressors[i].statistics().compressed.chunks == chunks.size());
    }
}

TEST_CASE("chunk compressor: in the steady state it allocates by the call and not by the chunk")
{
    asio::io_context context;
    weir::engine engine(context.get_executor(), {.memory_bytes = 16 << 20, .workers = {.threads = 1}});
    const std::vector<weir::chunk> few = compressible(4, 10'000);
    const std::vector<weir::chunk> many = compressible(200, 10'000);
    weir::chunk_compressor compressor(engine, {.codec = some_codec()});
    const auto cost = [&](std::span<const weir::chunk> chunks) {
        const std::size_t before = test::allocations() + allocations_there(engine);
        test::await(context, pack_and_drop(compressor, chunks));
        return test::allocations() + allocations_there(engine) - before;
    };
    static_cast<void>(cost(many));
    static_cast<void>(cost(many));
    CHECK(cost(many) <= cost(few) + 20);
}

TEST_CASE("chunk compressor: packed chunks outlive compressor and engine")
{
    test::packed_list kept;
    weir::packed_batch batch;
    const std::vector<weir::chunk> chunks = compressible(3, 50'000);
    {
        bench b;
        std::optional<weir::chunk_compressor> compressor;
        compressor.emplace(b.engine, weir::chunk_compression_options{.codec = some_codec()});
        kept = test::packed(b, *compressor, chunks);
        batch = test::await(b.context, compressor->pack(chunks));
        compressor.reset();
        CHECK(in_use(b) > 0);
        CHECK(in_use(b) <= 4 * b.engine.block_bytes()); // what they pin, of all that was reserved
    }
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        CHECK(test::unpacked(kept[i]) == chunks[i].content.copy_out());
        CHECK(test::unpacked(batch.chunks()[i]) == chunks[i].content.copy_out());
    }
}
