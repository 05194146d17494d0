// The pool alone, with plain code: read(2) into a block, and a slice of it that outlives buffer and pool.
//   $ buffer_pool hello.txt
//   13 bytes read, 65536 in use
//   hello, world

#include <weir/buffer_pool.hpp>
#include <weir/file_handle.hpp>
#include <fmt/format.h>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <unistd.h>

weir::slice read_file(weir::buffer_pool& pool, const char* path)
{
    const weir::file_handle file = weir::file_handle::open(path); // throws, with the path
    weir::buffer block = pool.acquire_now(file.info(path).size);  // empty, with room for all of it
    for (ssize_t n; (n = read(file.descriptor(), block.spare().data(), block.spare().size())) != 0;) {
        if (n < 0)
            weir::throw_system_error(errno, "read", path);
        block.commit(static_cast<std::size_t>(n));
    }
    return std::move(block).freeze();
}

int main(int argc, char** argv)
try {
    if (argc != 2)
        throw std::invalid_argument("usage: buffer_pool FILE");
    auto pool = std::make_unique<weir::buffer_pool>();
    const weir::slice content = read_file(*pool, argv[1]);
    fmt::print("{} bytes read, {} in use\n", content.size(), pool->statistics().in_use_bytes);
    pool.reset(); // the slice keeps its block
    fmt::print("{}", fmt::string_view(reinterpret_cast<const char*>(content.data()), content.size()));
}
catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
}
