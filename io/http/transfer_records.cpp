#include "transfer_records.hpp"

#include "grammar.hpp"
#include "journal/packed.hpp"

#include <weir/http/date.hpp>
#include <weir/http/fields.hpp>

#include <algorithm>
#include <array>
#include <chrono>

namespace weir::http {
namespace {

using detail::packer;
using detail::unpacker;

constexpr std::size_t longest_tag = 8 * 1024; // of the 64 KiB that a record can have
constexpr std::size_t most_codings = 16, longest_coding = 256;
constexpr std::size_t most_stated = 16;
constexpr std::size_t seal_bytes = 32;

/// What stands for an algorithm in a journal is its place here, for ever: new ones go to the end.
constexpr std::array algorithm_numbers = {checksum_algorithm::crc32,  checksum_algorithm::crc32c, checksum_algorithm::md5,
                                          checksum_algorithm::sha1,   checksum_algorithm::sha256, checksum_algorithm::sha512,
                                          checksum_algorithm::crc64nvme};

std::uint8_t number_of(checksum_algorithm algorithm)
{
    return static_cast<std::uint8_t>(std::ranges::find(algorithm_numbers, algorithm) - algorithm_numbers.begin());
}

/// A validator with this tag and date, strong if those that were kept were.
validator make_validator(const std::string& tag, std::optional<std::chrono::sys_seconds> modified)
{
    fields answer;
    if (!tag.empty() && !answer.try_add("ETag", tag))
        return {};
    if (modified) {
        answer.set("Last-Modified", format_date(*modified));
        answer.set("Date", format_date(*modified + std::chrono::hours(1)));
    }
    return validator::of(answer);
}

bool can_be_formatted(std::int64_t seconds)
{
    using namespace std::chrono;
    const sys_seconds end = sys_days(year(9999) / 1 / 1);
    return seconds >= 0 && seconds < end.time_since_epoch().count();
}

/// The parameters of one way to sign a URL, which are no part of it where the first of them is there.
struct signing {
    std::string_view signature;
    std::string_view prefix;                 ///< of all others
    std::array<std::string_view, 16> names{};
};

constexpr std::array signings = {
    signing{"X-Amz-Signature", "X-Amz-"},
    signing{"X-Goog-Signature", "X-Goog-"},
    signing{"Signature", {}, {"Expires", "Key-Pair-Id", "Policy", "AWSAccessKeyId", "GoogleAccessId"}},
    signing{"sig", {}, {"se", "st", "sp", "sv", "sr", "spr", "sip", "skoid", "sktid", "skt", "ske", "sks", "skv"}},
};

std::string_view name_of(std::string_view parameter) { return parameter.substr(0, parameter.find('=')); }

bool belongs_to(const signing& way, std::string_view name)
{
    if (same_name(name, way.signature))
        return true;
    if (!way.prefix.empty())
        return name.size() >= way.prefix.size() && same_name(name.substr(0, way.prefix.size()), way.prefix);
    return std::ranges::any_of(way.names, [&](std::string_view known) { return !known.empty() && name == known; });
}

std::vector<std::string_view> parameters_of(std::string_view query)
{
    std::vector<std::string_view> all;
    while (!query.empty())
        all.push_back(grammar::take_until(query, '&'));
    return all;
}

} // namespace

bool can_be_kept(const known_version& version) noexcept
{
    const auto& tag = version.validator.tag();
    const auto is_short = [](const std::string& coding) { return coding.size() <= longest_coding; };
    return version.length && version.validator.is_strong() && (!tag || tag->opaque().size() <= longest_tag)
        && version.codings.size() <= most_codings && std::ranges::all_of(version.codings, is_short);
}

std::vector<std::byte> pack(const subject_record& record)
{
    std::vector<std::byte> out;
    packer(out).raw(record.object.span()).raw(record.settings.span()).text(record.shown);
    return out;
}

std::vector<std::byte> pack(const known_version& version)
{
    const auto& tag = version.validator.tag();
    const auto& modified = version.validator.last_modified();
    const std::int64_t seconds = modified ? modified->time_since_epoch().count() : 0;
    std::vector<std::byte> out;
    packer(out).number(*version.length).text(tag ? tag->to_string() : std::string());
    packer(out).number(std::uint8_t{modified && can_be_formatted(seconds)}).number(static_cast<std::uint64_t>(seconds));
    for (const std::string& coding : version.codings)
        packer(out).text(coding);
    return out;
}

std::vector<std::byte> pack(const stated_digest& digest)
{
    std::vector<std::byte> out;
    packer(out).number(number_of(digest.algorithm)).bytes(digest.value).text(digest.field);
    return out;
}

std::vector<std::byte> pack_chunk(std::uint64_t length, const digest& digest)
{
    std::vector<std::byte> out;
    packer(out).number(length).raw(digest.span());
    return out;
}

std::vector<std::byte> pack(const hashing::sha256_state& state)
{
    std::vector<std::byte> out;
    packer fields(out);
    for (const std::uint32_t word : state.words)
        fields.number(word);
    fields.raw(std::span(state.tail).first(state.size % hashing::sha256_block));
    return out;
}

bool transfer_outline::take(const journal_record& record)
{
    switch (record.kind) {
    case record_kind::subject: return take_subject(record.content);
    case record_kind::version: return take_version(record.content);
    case record_kind::stated: return take_stated(record.content);
    case record_kind::chunk: return take_chunk(record.content);
    case record_kind::sha256: return take_sha256(record.content);
    default: return false;
    }
}

bool transfer_outline::take_subject(std::span<const std::byte> content)
{
    unpacker fields(content);
    const std::span<const std::byte> object = fields.raw(seal_bytes), settings = fields.raw(seal_bytes);
    std::string shown = fields.text();
    if (subject_ || !fields.done())
        return false;
    subject_ = {digest(object), digest(settings), std::move(shown)};
    return true;
}

bool transfer_outline::take_version(std::span<const std::byte> content)
{
    unpacker fields(content);
    known_version found;
    found.length = fields.number<std::uint64_t>();
    const std::string tag = fields.text();
    const bool dated = fields.number<std::uint8_t>() != 0;
    const auto seconds = static_cast<std::int64_t>(fields.number<std::uint64_t>());
    while (fields.good() && !fields.done())
        found.codings.push_back(fields.text());
    if (!subject_ || version_ || !fields.done() || (dated && !can_be_formatted(seconds)))
        return false;
    std::optional<std::chrono::sys_seconds> modified;
    if (dated)
        modified = std::chrono::sys_seconds(std::chrono::seconds(seconds));
    found.validator = make_validator(tag, modified);
    if (!can_be_kept(found))
        return false;
    version_ = std::move(found);
    return true;
}

bool transfer_outline::take_stated(std::span<const std::byte> content)
{
    unpacker fields(content);
    const auto number = fields.number<std::uint8_t>();
    const std::span<const std::byte> value = fields.bytes();
    std::string field = fields.text();
    if (!version_ || kept_bytes_ != 0 || stated_.size() == most_stated || !fields.done()
        || number >= algorithm_numbers.size())
        return false;
    const checksum_algorithm known = algorithm_numbers[number];
    if (value.size() != checksum_size(known))
        return false;
    stated_.push_back({known, digest_scope::representation, {value.begin(), value.end()}, std::move(field)});
    return true;
}

bool transfer_outline::take_chunk(std::span<const std::byte> content)
{
    unpacker fields(content);
    const auto length = fields.number<std::uint64_t>();
    const std::span<const std::byte> value = fields.rest();
    if (!version_ || !fields.good() || value.empty() || value.size() > digest::max_size || length == 0
        || length > *version_->length - kept_bytes_)
        return false;
    chunk_ = {kept_bytes_, length, digest(value)};
    kept_bytes_ += length;
    return true;
}

bool transfer_outline::take_sha256(std::span<const std::byte> content)
{
    unpacker fields(content);
    hashing::sha256_state state;
    for (std::uint32_t& word : state.words)
        word = fields.number<std::uint32_t>();
    const std::span<const std::byte> tail = fields.rest();
    if (!version_ || !fields.good() || tail.size() != kept_bytes_ % hashing::sha256_block)
        return false;
    state.size = kept_bytes_;
    std::ranges::copy(tail, state.tail.begin());
    sha256_ = state;
    return true;
}

std::string identity_of(const url& object)
{
    const url plain = object.without_login();
    std::string out = plain.origin().host + '\n' + plain.absolute_target();
    if (!plain.query())
        return out;
    const std::vector<std::string_view> parameters = parameters_of(*plain.query());
    out.resize(out.size() - plain.query()->size());
    for (const std::string_view parameter : parameters) {
        const bool signs = std::ranges::any_of(signings, [&](const signing& way) {
            const bool is_used = std::ranges::any_of(parameters, [&](std::string_view each) {
                return same_name(name_of(each), way.signature);
            });
            return is_used && belongs_to(way, name_of(parameter));
        });
        if (!signs)
            out.append(parameter).append("&");
    }
    return out;
}

} // namespace weir::http
