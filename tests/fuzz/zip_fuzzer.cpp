// Any bytes are a zip archive or refused, by their directory, with the same outcome however reads are cut.

#include "zip_reading.hpp"

#include "archives/zip_archive.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    fuzz::input input(bytes, size);
    const std::size_t piece = 1 + 7 * input.byte();
    const auto read = [&](std::size_t most) {
        const auto places = std::make_shared<fuzz::pieces_input>(input.bytes(), most);
        return fuzz::read_zip(
            [&](weir::engine& owner, const weir::archive_options& options) {
                return weir::codecs::open_zip(owner, places, options);
            },
            most);
    };
    fuzz::require(read(piece) == read(fuzz::most_bytes));
    return 0;
}
