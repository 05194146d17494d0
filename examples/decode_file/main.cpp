// Lists the chunks of what a compressed file contains; which codec it is, its first bytes say.
//   $ decode_file hello.txt.gz
//              0       13 853ff93762a06ddbf722c4ebe9ddd66d8f63ddaea97f521c3ecc20da7c976020

#include <weir/chunk_stream.hpp>
#include <weir/coding_source.hpp>
#include <weir/file_source.hpp>
#include <weir/fmt.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

namespace asio = boost::asio;

asio::awaitable<void> list_chunks(std::filesystem::path path)
{
    weir::engine engine(co_await asio::this_coro::executor);
    auto content = std::make_unique<weir::decoding_source>(engine, weir::open_file(engine, path));
    weir::chunk_stream chunks(engine, std::move(content), {.chunker = weir::weir1(65536)});
    while (std::optional<weir::chunk> chunk = co_await chunks.next())
        fmt::print("{:>12} {:>8} {}\n", chunk->offset, chunk->size(), chunk->digest);
}

int main(int argc, char** argv)
try {
    if (argc != 2)
        throw std::invalid_argument("usage: decode_file FILE");
    asio::io_context context;
    auto done = asio::co_spawn(context, list_chunks(argv[1]), asio::use_future);
    context.run();
    done.get(); // throws what ended it
}
catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
}
