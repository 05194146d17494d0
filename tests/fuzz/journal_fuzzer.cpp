// Any file is a journal, or is refused; its records are those that would be written so, and what a transfer's journal
// makes of them holds together.

#include "input.hpp"

#include "http/transfer_records.hpp"
#include "journal/codec.hpp"

#include <weir/error.hpp>

#include <algorithm>

namespace {

void check_meaning(const weir::journal_record& record, weir::http::transfer_outline& outline)
{
    const std::uint64_t before = outline.kept_bytes();
    if (!outline.take(record))
        return;
    fuzz::require(outline.kept_bytes() >= before);
    fuzz::require(!outline.version() || outline.kept_bytes() <= *outline.version()->length);
}

void check_records(const weir::detail::journal_id& id, std::span<const std::byte> file)
{
    weir::detail::journal_codec codec(id);
    weir::http::transfer_outline outline;
    std::uint64_t position = weir::detail::journal_head_bytes;
    while (const auto record = codec.read(position, file.subspan(position))) {
        std::vector<std::byte> again;
        codec.write(position, *record, again);
        fuzz::require(std::ranges::equal(again, file.subspan(position, again.size())));
        check_meaning(*record, outline);
        position += again.size();
    }
}

/// Checksums are beyond a fuzzer: the input is the records, and they are sealed here.
void check_sealed(fuzz::input from)
{
    weir::http::transfer_outline outline;
    while (!from.empty()) {
        const std::uint32_t kind = from.byte() % 8;
        const std::size_t size = std::min<std::size_t>(from.number() % 300, from.bytes().size());
        std::vector<std::byte> content;
        for (std::size_t i = 0; i != size; ++i)
            content.push_back(static_cast<std::byte>(from.byte()));
        check_meaning({kind, content}, outline);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    fuzz::input input(bytes, size);
    check_sealed(input);
    try {
        if (const auto id = weir::detail::read_journal_head(input.bytes(), "input"))
            check_records(*id, input.bytes());
    }
    catch (const weir::error& refused) {
        const bool known = refused.code() == weir::errc::damaged || refused.code() == weir::errc::newer_version;
        fuzz::require(known);
    }
    return 0;
}
