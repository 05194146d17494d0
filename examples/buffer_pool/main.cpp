// The pool alone, with plain code: read(2) into a block, and a slice of it that outlives buffer and pool.
//
//   $ buffer_pool hello.txt
//   13 bytes read, 1 block in use
//   world

#include <weir/buffer_pool.hpp>
#include <weir/size.hpp>

#include <fmt/core.h>

#include <fcntl.h>
#include <unistd.h>

using namespace weir::literals;

weir::slice read_file(weir::buffer_pool& pool, const char* path)
{
    const int file = open(path, O_RDONLY);
    weir::buffer block = pool.acquire_now(64_KiB); // empty, with room for 64 KiB
    for (ssize_t n; (n = read(file, block.spare().data(), block.spare().size())) > 0;)
        block.commit(static_cast<std::size_t>(n));
    close(file);
    return std::move(block).freeze();
}

int main(int, char** argv)
{
    weir::slice word;
    {
        weir::buffer_pool pool({.tiers = {{.block_bytes = 64_KiB, .max_blocks = 16}}, .max_bytes = 1_MiB});
        const weir::slice content = read_file(pool, argv[1]);
        word = content.subslice(7, 5); // shares the block
        fmt::print("{} bytes read, {} block in use\n", content.size(), pool.statistics().tiers.at(0).in_use);
    }
    fmt::print("{}\n", std::string_view(reinterpret_cast<const char*>(word.data()), word.size()));
}
