#include <weir/backend.hpp>

namespace weir {

std::string_view to_string(backend which) noexcept
{
    switch (which) {
    case backend::auto_: return "auto";
    case backend::uring: return "uring";
    case backend::threads: return "threads";
    case backend::mmap: return "mmap";
    }
    return "unknown";
}

std::optional<backend> parse_backend(std::string_view name) noexcept
{
    for (const backend each : {backend::auto_, backend::uring, backend::threads, backend::mmap})
        if (name == to_string(each))
            return each;
    return std::nullopt;
}

} // namespace weir
