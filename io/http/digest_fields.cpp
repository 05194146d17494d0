#include <weir/http/digest_fields.hpp>

#include "grammar.hpp"
#include "structured.hpp"

#include <algorithm>
#include <array>

namespace weir::http {
namespace {

struct known_name {
    std::string_view name;
    checksum_algorithm algorithm;
};

/// \see RFC 9530, section 7.2
constexpr std::array dictionary_names = {
    known_name{"sha-512", checksum_algorithm::sha512}, known_name{"sha-256", checksum_algorithm::sha256},
    known_name{"sha", checksum_algorithm::sha1},       known_name{"md5", checksum_algorithm::md5},
    known_name{"crc32c", checksum_algorithm::crc32c},
};

constexpr std::string_view amazon_prefix = "x-amz-checksum-";
constexpr std::array amazon_names = {
    known_name{"sha256", checksum_algorithm::sha256},
    known_name{"sha1", checksum_algorithm::sha1},
    known_name{"crc32", checksum_algorithm::crc32},
    known_name{"crc32c", checksum_algorithm::crc32c},
    known_name{"crc64nvme", checksum_algorithm::crc64nvme},
};

template <std::size_t Count>
const known_name* find_name(const std::array<known_name, Count>& names, std::string_view name) noexcept
{
    const auto found = std::ranges::find_if(names, [&](const known_name& each) { return same_name(each.name, name); });
    return found == names.end() ? nullptr : &*found;
}

/// Sorts what is found into what can be checked and what cannot.
class collector {
public:
    explicit collector(stated_digests& out) noexcept : out_(out) {}

    void ignore(std::string_view field, std::string_view reason)
    {
        out_.ignored.push_back(grammar::printable(field).append(": ").append(reason));
    }

    void use(std::string field, digest_scope scope, const known_name* known,
             std::optional<std::vector<std::byte>> value)
    {
        if (!known)
            return ignore(field, "not known");
        if (!value || value->size() != checksum_size(known->algorithm))
            return ignore(field, "not a value of this algorithm");
        out_.checkable.push_back({known->algorithm, scope, std::move(*value), std::move(field)});
    }

private:
    stated_digests& out_;
};

void read_dictionary(collector& out, const fields& answer, std::string_view name, digest_scope scope)
{
    const auto text = answer.combined(name);
    if (!text)
        return;
    auto members = parse_dictionary(*text);
    if (!members)
        return out.ignore(name, "not a dictionary");
    for (dictionary_member& member : *members) {
        std::string field = std::string(name).append(": ").append(member.key);
        out.use(std::move(field), scope, find_name(dictionary_names, member.key), std::move(member.bytes));
    }
}

void read_md5(collector& out, const fields& answer, bool is_whole)
{
    constexpr known_name md5{"md5", checksum_algorithm::md5};
    constexpr std::string_view name = "Content-MD5";
    if (!answer.contains(name))
        return;
    if (!is_whole)
        return out.ignore(name, "of the part or of the whole, which it does not say");
    const auto value = answer.find_only(name);
    out.use(std::string(name), digest_scope::representation, &md5, value ? decode_base64(*value) : std::nullopt);
}

/// One line of S3's.
void read_amazon(collector& out, const field& line, bool is_whole, bool is_composite)
{
    const std::string_view algorithm = std::string_view(line.name).substr(amazon_prefix.size());
    if (same_name(algorithm, "type") || same_name(algorithm, "mode"))
        return;
    if (!is_whole)
        return out.ignore(line.name, "of a part of an object");
    if (is_composite || line.value.find('-') != std::string::npos)
        return out.ignore(line.name, "made of the checksums of parts");
    out.use(line.name, digest_scope::representation, find_name(amazon_names, algorithm), decode_base64(line.value));
}

} // namespace

stated_digests digests_of(const fields& answer, bool is_whole)
{
    stated_digests found;
    collector out(found);
    read_dictionary(out, answer, "Content-Digest", digest_scope::content);
    read_dictionary(out, answer, "Repr-Digest", digest_scope::representation);
    read_md5(out, answer, is_whole);
    const bool is_composite = same_name(answer.find("x-amz-checksum-type").value_or(""), "COMPOSITE");
    for (const field& line : answer)
        if (same_name(std::string_view(line.name).substr(0, amazon_prefix.size()), amazon_prefix))
            read_amazon(out, line, is_whole, is_composite);
    return found;
}

std::vector<checksum_algorithm> announced_digests(const fields& head)
{
    std::vector<checksum_algorithm> found;
    for (const std::string_view field : {"Trailer", "x-amz-trailer"}) {
        for (const std::string_view name : head.elements(field)) {
            if (same_name(name, "Repr-Digest") || same_name(name, "Content-Digest"))
                found.insert(found.end(), {checksum_algorithm::sha256, checksum_algorithm::sha512});
            else if (!same_name(name.substr(0, amazon_prefix.size()), amazon_prefix))
                continue;
            else if (const known_name* known = find_name(amazon_names, name.substr(amazon_prefix.size())))
                found.push_back(known->algorithm);
        }
    }
    return found;
}

std::string digest_field_value(checksum_algorithm algorithm, std::span<const std::byte> value)
{
    const auto known = std::ranges::find(dictionary_names, algorithm, &known_name::algorithm);
    if (known == dictionary_names.end())
        return {};
    return std::string(known->name).append("=:").append(encode_base64(value)).append(":");
}

} // namespace weir::http
