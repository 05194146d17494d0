#include "archives/zip_tally.hpp"

#include <cstring>
#include <random>

namespace weir::codecs::zip {

zip_tally::zip_tally() : hasher_(hash_algorithm::sha256)
{
    std::random_device random;
    for (std::uint64_t& each : secret_)
        each = std::uint64_t{random()} << 32 | random();
}

zip_tally::words zip_tally::digest_of_entry(const entry_numbers& entry, std::string_view names)
{
    const words numbers{entry.offset,
                        std::uint64_t{entry.crc} << 32 | std::uint64_t{entry.method} << 16
                            | static_cast<std::uint16_t>(entry.flags & compared_flags),
                        entry.compressed, entry.size};
    hasher_.update(std::as_bytes(std::span(secret_)));
    hasher_.update(std::as_bytes(std::span(numbers)));
    hasher_.update(std::as_bytes(std::span(names)));
    const digest found = hasher_.finish();
    words out{};
    std::memcpy(out.data(), found.span().data(), sizeof out);
    return out;
}

} // namespace weir::codecs::zip
