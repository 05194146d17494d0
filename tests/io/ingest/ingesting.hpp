#pragma once
// What the tests of an ingest share: a sink that keeps what it gets, an engine to run a job on, and what must come out.

#include "support/coroutine.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"

#include <weir/chunker.hpp>
#include <weir/error.hpp>
#include <weir/hasher.hpp>
#include <weir/ingest.hpp>
#include <weir/merkle_tree.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace test {

namespace asio = boost::asio;

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

class collecting_sink final : public weir::ingest_sink {
public:
    struct entry {
        std::vector<weir::chunk_record> chunks;
        std::optional<weir::file_record> record;
        std::error_code error;
        std::string text;
    };

    asio::awaitable<void> chunks(const weir::file_origin& of, std::span<const weir::chunk_record> records) override
    {
        auto& mine = files[std::string(of.path)].chunks;
        mine.insert(mine.end(), records.begin(), records.end());
        if (fails)
            throw weir::error(std::make_error_code(std::errc::no_space_on_device), "write", "sink");
        co_return;
    }
    asio::awaitable<void> file(const weir::file_record& record) override
    {
        auto& mine = files[std::string(record.path)];
        CHECK(!mine.record);
        mine.record = record;
        co_return;
    }
    asio::awaitable<void> failed(std::string_view path, std::error_code code, std::string_view text) override
    {
        auto& mine = files[std::string(path)];
        mine.error = code;
        mine.text = text;
        co_return;
    }

    std::map<std::string, entry> files;
    bool fails = false;
};

inline std::string text_of(std::span<const std::byte> content)
{
    return {reinterpret_cast<const char*>(content.data()), content.size()};
}

inline weir::path_supplier supply(std::vector<std::string> paths)
{
    return [paths = std::move(paths), next = std::size_t{0}](std::vector<std::string>& out, std::size_t most) mutable {
        for (; most > 0 && next < paths.size(); --most)
            out.push_back(paths[next++]);
    };
}

struct bench {
    explicit bench(std::size_t memory = 32 * mib) : engine(context.get_executor(), options(memory)) {}
    static weir::engine_options options(std::size_t memory)
    {
        weir::engine_options out;
        out.memory_bytes = memory;
        out.workers.threads = 2;
        return out;
    }
    weir::ingest_summary run(std::vector<std::string> paths, weir::ingest_sink& sink, weir::ingest_options options = {})
    {
        weir::ingest_job job(engine, std::move(options), sink);
        test::run(context, job.run(supply(std::move(paths))));
        CHECK(engine.pool().check());
        CHECK(engine.pool().statistics().in_use_bytes == 0);
        return job.summary();
    }
    asio::io_context context;
    weir::engine engine;
};

/// Cancels an ingest after a random number of steps, again and again: it ends, and everything is back.
inline void cancel_at_any_step(const std::vector<std::string>& paths, const weir::ingest_options& options,
                               std::uint64_t seed)
{
    auto random = generator(seed);
    for (int round = 0; round < 40; ++round) {
        bench b;
        collecting_sink sink;
        weir::ingest_job job(b.engine, options, sink);
        task<void> running(b.context.get_executor(), job.run(supply(paths)));
        for (std::uint64_t steps = random() % 200; steps != 0 && !running.done() && b.context.run_one() != 0; --steps) {
        }
        running.cancel();
        while (!running.done() && b.context.run_one() != 0) {
        }
        REQUIRE(running.done());
        CHECK(b.engine.pool().check());
        CHECK(b.engine.pool().statistics().in_use_bytes == 0);
    }
}

/// What an ingest must say of a file, made in the plainest way.
inline void check_file(const collecting_sink::entry& got, std::span<const std::byte> content,
                const weir::ingest_options& options)
{
    weir::chunker_options sizes = options.chunker;
    if (options.sizes) {
        sizes.average = options.sizes->average_for(content.size());
        sizes.min = sizes.max = 0;
    }
    weir::chunker chunker(sizes);
    std::vector<std::uint64_t> ends;
    chunker.push(content, ends);
    chunker.finish(ends);
    REQUIRE(got.record);
    CHECK(got.record->size == content.size());
    CHECK(got.record->chunks == ends.size());
    REQUIRE(got.chunks.size() == ends.size());
    weir::merkle_tree tree(options.hash);
    std::uint64_t start = 0;
    for (std::size_t i = 0; i < ends.size(); ++i) {
        const auto piece = content.subspan(start, ends[i] - start);
        CHECK(got.chunks[i].offset == start);
        CHECK(got.chunks[i].length == piece.size());
        CHECK(got.chunks[i].digest == weir::digest_of(options.hash, piece));
        tree.add(got.chunks[i].digest, piece.size());
        start = ends[i];
    }
    CHECK(got.record->root == tree.root());
    if (options.file_digest)
        CHECK(got.record->whole == weir::digest_of(*options.file_digest, content));
}

} // namespace test
