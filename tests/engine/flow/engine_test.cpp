#include <weir/engine.hpp>

#include "support/run.hpp"
#include "support/sources.hpp"

#include <weir/error.hpp>
#include <weir/flow.hpp>
#include <weir/size.hpp>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
using namespace weir::literals;

class quiet_sink final : public weir::sink {
public:
    asio::awaitable<void> write(std::span<weir::chunk>) override { co_return; }
};

/// Likes to have more blocks with somebody else than there are.
class greedy_source final : public weir::source {
public:
    explicit greedy_source(std::span<const std::byte> content) : inner_(content) {}
    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        return inner_.read(memory, max_bytes);
    }
    std::size_t read_ahead_blocks() const noexcept override { return 1000; }

private:
    test::scripted_source inner_;
};

std::shared_ptr<weir::buffer_pool> pool_of_two_sizes()
{
    return std::make_shared<weir::buffer_pool>(
        weir::pool_options{.tiers = {{64_KiB, 256}, {256_KiB, 8}}, .max_bytes = 18_MiB});
}

std::shared_ptr<weir::worker_pool> one_worker()
{
    return std::make_shared<weir::worker_pool>(weir::worker_options{.threads = 1});
}

/// What the making of an engine with these is refused for.
std::string refusal(std::shared_ptr<weir::buffer_pool> pool, std::shared_ptr<weir::worker_pool> workers,
                    std::size_t block_bytes)
{
    asio::io_context context;
    try {
        const weir::engine made(context.get_executor(), std::move(pool), std::move(workers),
                                {.block_bytes = block_bytes});
    }
    catch (const weir::error& failure) {
        CHECK(failure.code() == weir::errc::bad_configuration);
        return failure.what();
    }
    return "none";
}

} // namespace

TEST_CASE("engine: pool and workers that are shared have to be there, and to have blocks of its size")
{
    CHECK(refusal(pool_of_two_sizes(), one_worker(), 256_KiB) == "none");
    CHECK(refusal(pool_of_two_sizes(), one_worker(), 128_KiB)
          == "make engine block size: bad configuration (the pool has no blocks of 131072 bytes)");
    CHECK(refusal(pool_of_two_sizes(), one_worker(), 65_KiB).find("not a power of two") != std::string::npos);
    CHECK(refusal(nullptr, one_worker(), 256_KiB) == "make engine pool: bad configuration (there is none)");
    CHECK(refusal(pool_of_two_sizes(), nullptr, 256_KiB)
          == "make engine workers: bad configuration (there are none)");
}

TEST_CASE("engine: what flows can have of a shared pool are its blocks of one size, within its limit")
{
    asio::io_context context;
    const auto workers = one_worker();
    const weir::engine large(context.get_executor(), pool_of_two_sizes(), workers, {.block_bytes = 256_KiB});
    const weir::engine small(context.get_executor(), pool_of_two_sizes(), workers, {.block_bytes = 64_KiB});
    CHECK(large.memory_bytes() == 2_MiB);
    CHECK(small.memory_bytes() == 16_MiB);
    const auto little = std::make_shared<weir::buffer_pool>(
        weir::pool_options{.tiers = {{64_KiB, 256}, {256_KiB, 8}}, .max_bytes = 1_MiB});
    CHECK(weir::engine(context.get_executor(), little, workers, {.block_bytes = 64_KiB}).memory_bytes() == 1_MiB);
}

TEST_CASE("engine: a stream is refused by the blocks of a shared pool, and takes no read-ahead that they do not have")
{
    const auto content = test::random_bytes(3_MiB, 31);
    asio::io_context context;
    weir::engine engine(context.get_executor(), pool_of_two_sizes(), one_worker(), {.block_bytes = 256_KiB});
    const auto stream_of = [&](std::size_t max) { // needs three blocks besides
        return weir::chunk_stream(engine, std::make_unique<greedy_source>(content),
                                  {.chunker = {.average = 256_KiB, .max = max}});
    };
    std::optional<std::error_code> failure;
    try {
        (void)stream_of(1536_KiB);
    }
    catch (const weir::error& refused) {
        failure = refused.code();
    }
    CHECK(failure == std::error_code(weir::errc::pool_too_small));
    quiet_sink sink;
    auto flow = weir::run_flow(engine, std::make_unique<greedy_source>(content), sink,
                               {.chunker = {.average = 256_KiB, .max = 1280_KiB}});
    CHECK(test::run(context, std::move(flow)).bytes == content.size());
    CHECK(engine.pool().statistics().in_use_bytes == 0);
}
