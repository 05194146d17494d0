// Compresses the chunks of files that were not met before, as a store would; here it only counts them.
//
//   $ pack_chunks hello.txt hello.txt
//   1 new chunks of 13 bytes, packed 13; 1 below the threshold

#include <weir/chunk_compressor.hpp>
#include <weir/chunk_stream.hpp>
#include <weir/file_source.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/core.h>
#include <algorithm>
#include <unordered_set>

boost::asio::awaitable<void> pack(weir::engine& engine, std::span<char*> paths)
{
    weir::chunk_compressor compressor(engine);
    std::unordered_set<weir::digest> seen;
    const auto is_known = [&](const weir::chunk& each) { return !seen.insert(each.digest).second; };
    for (const char* path : paths) {
        weir::chunk_stream chunks(engine, weir::open_file(engine, path), {.chunker = weir::weir1(65536)});
        for (std::span<weir::chunk> all; !(all = co_await chunks.next_batch()).empty();)
            for (std::span fresh(all.begin(), std::remove_if(all.begin(), all.end(), is_known)); !fresh.empty();) {
                weir::packed_batch packed = co_await compressor.pack(fresh); // at its end its blocks are back
                fresh = fresh.subspan(packed.size());
            }
    }
    const auto [in, compressed, small, by_sample, by_trial, out] = compressor.statistics();
    fmt::print("{} new chunks of {} bytes, packed {}; {} below the threshold\n", in.chunks, in.bytes, out, small.chunks);
}

int main(int count, char** arguments)
{
    boost::asio::io_context context;
    weir::engine engine(context.get_executor());
    const std::span paths(arguments + 1, arguments + count);
    auto done = boost::asio::co_spawn(context, pack(engine, paths), boost::asio::use_future);
    context.run();
    done.get(); // throws what went wrong
}
