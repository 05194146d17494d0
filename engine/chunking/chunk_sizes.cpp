#include <weir/chunk_sizes.hpp>

#include <weir/chunker.hpp>
#include <weir/error.hpp>

namespace weir {

std::size_t chunk_size_table::average_for(std::optional<std::uint64_t> file_size) const noexcept
{
    if (!file_size)
        return large_file_chunk_size;
    if (*file_size < small_file_threshold)
        return small_file_chunk_size;
    if (*file_size < medium_file_threshold)
        return medium_file_chunk_size;
    return *file_size < huge_file_threshold ? large_file_chunk_size : huge_file_chunk_size;
}

void chunk_size_table::validate() const
{
    if (small_file_threshold > medium_file_threshold || medium_file_threshold > huge_file_threshold)
        throw error(errc::bad_configuration, "configure", "chunk size table", std::nullopt,
                    "small_file_threshold <= medium_file_threshold <= huge_file_threshold is required");
    for (std::size_t average :
         {small_file_chunk_size, medium_file_chunk_size, large_file_chunk_size, huge_file_chunk_size})
        static_cast<void>(resolve(weir1(average)));
}

} // namespace weir
