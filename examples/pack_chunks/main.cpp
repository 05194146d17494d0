// Compresses the chunks of a file, as a store would; here it only counts them.
//   $ pack_chunks hello.txt
//   0 of 1 chunks compressed: 13 bytes

#include <weir/chunk_compressor.hpp>
#include <weir/chunk_stream.hpp>
#include <weir/file_source.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/core.h>
#include <stdexcept>

boost::asio::awaitable<void> pack(weir::engine& engine, const char* path)
{
    weir::chunk_compressor compressor(engine);
    weir::chunk_stream chunks(engine, weir::open_file(engine, path), {.chunker = weir::weir1(65536)});
    for (std::span<weir::chunk> rest; !(rest = co_await chunks.next_batch()).empty();)
        while (!rest.empty()) {
            weir::packed_batch packed = co_await compressor.pack(rest); // at its end its blocks are back
            rest = rest.subspan(packed.size());
        }
    const weir::chunk_compression_statistics all = compressor.statistics();
    fmt::print("{} of {} chunks compressed: {} bytes\n", all.compressed.chunks, all.in.chunks, all.bytes_out);
}

int main(int argc, char** argv)
try {
    if (argc != 2)
        throw std::invalid_argument("usage: pack_chunks FILE");
    boost::asio::io_context context;
    weir::engine engine(context.get_executor());
    auto done = boost::asio::co_spawn(context, pack(engine, argv[1]), boost::asio::use_future);
    context.run();
    done.get(); // throws what ended it
}
catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
}
