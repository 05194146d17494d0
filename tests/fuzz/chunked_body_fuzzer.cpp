// Any bytes are a chunked body or are refused, whatever the cuts; its data, written in chunks again, are read back.

#include "input.hpp"

#include <weir/error.hpp>
#include <weir/http/body_reader.hpp>
#include <weir/http/writer.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

struct result {
    std::string data;
    std::size_t consumed = 0;
    bool is_refused = false;

    friend bool operator==(const result&, const result&) = default;
};

/// Decodes in place, `piece` bytes at a time.
result decode(std::span<const std::byte> bytes, std::size_t piece)
{
    weir::http::body_reader body({weir::http::body_end::chunked, 0, true});
    result out;
    try {
        while (!body.done() && out.consumed < bytes.size()) {
            const auto rest = bytes.subspan(out.consumed);
            const auto cut = rest.first(std::min(piece, rest.size()));
            std::vector<std::byte> block(cut.begin(), cut.end());
            const auto [consumed, produced] = body.decode(block, block);
            fuzz::require(produced <= consumed);
            out.data.append(reinterpret_cast<const char*>(block.data()), produced);
            out.consumed += consumed;
        }
        body.end_of_stream();
        fuzz::require(body.done() && body.total() == out.data.size());
    }
    catch (const weir::error&) {
        out.is_refused = true;
        out.consumed = 0; // pieces end at other places
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    fuzz::input input(bytes, size);
    const std::size_t piece = input.byte() % 64 + 1;
    const result whole = decode(input.bytes(), size + 1);
    fuzz::require(whole == decode(input.bytes(), piece) && whole == decode(input.bytes(), 1));
    std::string text;
    for (std::size_t at = 0; at < whole.data.size(); at += piece) {
        const std::string_view chunk = std::string_view(whole.data).substr(at, piece);
        text.append(weir::http::chunk_start(chunk.size()).text()).append(chunk).append(weir::http::chunk_end);
    }
    weir::http::write_last_chunk(text);
    const result again = decode(std::as_bytes(std::span(text)), text.size());
    fuzz::require(!again.is_refused && again.data == whole.data && again.consumed == text.size());
    return 0;
}
