#include <weir/http/range_answer.hpp>

#include "grammar.hpp"

#include <weir/error.hpp>
#include <weir/http/framing.hpp>

#include <algorithm>
#include <iterator>

namespace weir::http {
namespace {

using kind = range_answer::kind;

[[noreturn]] void refuse(std::string_view reason)
{
    throw error(errc::protocol_violation, "read", "Content-Range", std::nullopt, reason);
}

std::optional<content_range> range_in(const fields& answer)
{
    const auto value = answer.find_only("Content-Range");
    return value ? parse_content_range(*value) : std::nullopt;
}

/// Then ranges stand in its parts, and what the head says of one is a lie. \see RFC 9110, section 15.3.7.2
bool has_several_parts(const fields& answer)
{
    std::string_view type = answer.find("Content-Type").value_or("");
    return same_name(grammar::trim(grammar::take_until(type, ';')), "multipart/byteranges");
}

content_range part_in(const byte_range& asked, const fields& answer)
{
    if (has_several_parts(answer))
        refuse("a 206 of several parts, where one range was asked for");
    const auto range = range_in(answer);
    if (!range || !range->sent)
        refuse("a 206 without one that says what it holds");
    if (!asked.is_answered_by(*range))
        refuse("not of the bytes that were asked for");
    const auto length = content_length(answer);
    if (length && *length != range->sent->size())
        refuse("not as long as Content-Length says");
    return *range;
}

bool differs(const validator& known, const validator& found)
{
    if (known.tag() && found.tag())
        return !strongly_equal(*known.tag(), *found.tag());
    return known.last_modified() && found.last_modified() && known.last_modified() != found.last_modified();
}

bool has_other_codings(const std::optional<known_version>& known, const fields& answer)
{
    return known && known->codings != codings_of(answer);
}

/// Whether a part says nothing of the version that was asked for by a strong validator. One of the same has to: what it may
/// leave out after `If-Range` is not that, and we ask by `If-Match`. \see RFC 9110, section 15.3.7
bool is_unproven(const validator& known, const validator& found)
{
    if (!known.is_strong())
        return false;
    return known.tag() ? !found.tag() : !found.last_modified();
}

bool is_changed(const std::optional<known_version>& known, const fields& answer, std::optional<std::uint64_t> length)
{
    if (!known)
        return false;
    return differs(known->validator, validator::of(answer)) || (known->length && length && *known->length != *length);
}

} // namespace

std::vector<std::string> codings_of(const fields& answer)
{
    std::vector<std::string> out;
    for (const std::string_view each : answer.elements("Content-Encoding"))
        if (!each.empty() && !same_name(each, "identity")) // RFC 9110, section 5.6.1.2: empty elements are ignored
            std::ranges::transform(each, std::back_inserter(out.emplace_back()), grammar::to_lower);
    return out;
}

range_answer judge_range_answer(const byte_range& asked, const std::optional<known_version>& known, unsigned status,
                                const fields& answer)
{
    constexpr unsigned ok = 200, partial = 206, precondition_failed = 412, not_satisfiable = 416;
    if (status == precondition_failed)
        return {kind::changed, std::nullopt};
    if (status == not_satisfiable) {
        const auto range = range_in(answer);
        const bool changed = range && is_changed(known, answer, range->complete_length);
        return {changed ? kind::changed : kind::beyond_end, range};
    }
    if (status != ok && status != partial)
        return {};
    if (has_other_codings(known, answer))
        return {kind::changed, std::nullopt};
    if (status == ok)
        return {is_changed(known, answer, content_length(answer)) ? kind::changed : kind::whole, std::nullopt};
    const content_range range = part_in(asked, answer);
    if (is_changed(known, answer, range.complete_length)
        || (known && is_unproven(known->validator, validator::of(answer))))
        return {kind::changed, std::nullopt};
    return {kind::part, range};
}

} // namespace weir::http
