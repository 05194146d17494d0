#include "codec.hpp"

#include "packed.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <cassert>

namespace weir::detail {
namespace {

constexpr std::string_view magic = "weirjnl\n";
constexpr std::uint32_t version = 1;
constexpr std::size_t id_offset = 16;
constexpr std::size_t checksum_offset = 32;

[[noreturn]] void refuse(errc code, std::string_view subject, std::string_view reason)
{
    throw error(code, "read", subject, std::nullopt, reason);
}

bool are_zeros(std::span<const std::byte> bytes)
{
    return std::ranges::all_of(bytes, [](std::byte value) { return value == std::byte{0}; });
}

bool begins_as_journal(std::span<const std::byte> bytes)
{
    const auto expected = std::as_bytes(std::span(magic));
    const std::size_t count = std::min(bytes.size(), expected.size());
    return std::ranges::equal(bytes.first(count), expected.first(count));
}

} // namespace

std::optional<journal_id> read_journal_head(std::span<const std::byte> bytes, std::string_view subject)
{
    bytes = bytes.first(std::min(bytes.size(), journal_head_bytes));
    if (are_zeros(bytes))
        return std::nullopt;
    if (!begins_as_journal(bytes))
        refuse(errc::damaged, subject, "no journal of weir");
    if (bytes.size() < journal_head_bytes)
        return std::nullopt;
    const std::uint32_t found = unpacker(bytes.subspan(magic.size())).number<std::uint32_t>();
    if (found > version)
        refuse(errc::newer_version, subject, "version " + std::to_string(found));
    const digest sum = digest_of(hash_algorithm::xxh3_128, bytes.first(checksum_offset));
    if (!std::ranges::equal(sum.span(), bytes.subspan(checksum_offset)))
        refuse(errc::damaged, subject, "the head of the journal");
    journal_id id;
    std::ranges::copy(bytes.subspan(id_offset, id.size()), id.begin());
    return id;
}

std::array<std::byte, journal_head_bytes> make_journal_head(const journal_id& id)
{
    std::vector<std::byte> head;
    packer(head).raw(std::as_bytes(std::span(magic))).number(version).number(std::uint32_t{0}).raw(id);
    packer(head).raw(digest_of(hash_algorithm::xxh3_128, head).span());
    std::array<std::byte, journal_head_bytes> out;
    assert(head.size() == out.size());
    std::ranges::copy(head, out.begin());
    return out;
}

std::optional<journal_record> journal_codec::read(std::uint64_t position, std::span<const std::byte> bytes)
{
    unpacker fields(bytes);
    const auto size = fields.number<std::uint32_t>();
    const auto kind = fields.number<std::uint32_t>();
    const std::span<const std::byte> sum = fields.raw(digest_size(hash_algorithm::xxh3_128));
    const std::span<const std::byte> content = fields.raw(size);
    if (!fields.good() || size > journal::most_content_bytes)
        return std::nullopt;
    if (!std::ranges::equal(checksum(position, bytes.first(2 * sizeof size), content).span(), sum))
        return std::nullopt;
    return journal_record{kind, content};
}

void journal_codec::write(std::uint64_t position, const journal_record& record, std::vector<std::byte>& out)
{
    assert(record.content.size() <= journal::most_content_bytes);
    const std::size_t start = out.size();
    packer fields(out);
    fields.number(static_cast<std::uint32_t>(record.content.size())).number(record.kind);
    const digest sum = checksum(position, std::span(out).subspan(start), record.content);
    fields.raw(sum.span()).raw(record.content);
}

digest journal_codec::checksum(std::uint64_t position, std::span<const std::byte> head,
                               std::span<const std::byte> content)
{
    std::array<std::byte, sizeof position> place;
    for (std::size_t i = 0; i != place.size(); ++i)
        place[i] = static_cast<std::byte>(position >> (8 * i));
    hasher_.update(id_);
    hasher_.update(place);
    hasher_.update(head);
    hasher_.update(content);
    return hasher_.finish();
}

} // namespace weir::detail
