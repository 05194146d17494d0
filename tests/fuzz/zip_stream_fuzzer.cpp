// Any bytes are a zip archive or refused, as a stream, with the same outcome however it is cut.

#include "zip_reading.hpp"

#include "archives/zip_stream.hpp"

namespace {

boost::asio::awaitable<std::unique_ptr<weir::archive>> open(weir::engine& owner, std::unique_ptr<weir::source> input,
                                                            weir::archive_options options)
{
    co_return weir::codecs::make_zip_stream(owner, std::move(input), options);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    fuzz::input input(bytes, size);
    const std::size_t piece = 1 + 7 * input.byte();
    const auto read = [&](std::size_t most) {
        return fuzz::read_zip(
            [&](weir::engine& owner, const weir::archive_options& options) {
                return open(owner, std::make_unique<fuzz::pieces_source>(input.bytes(), most), options);
            },
            most);
    };
    fuzz::require(read(piece) == read(fuzz::most_bytes));
    return 0;
}
