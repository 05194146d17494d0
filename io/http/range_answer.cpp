#include <weir/http/range_answer.hpp>

#include <weir/error.hpp>
#include <weir/http/framing.hpp>

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

content_range part_in(const byte_range& asked, const fields& answer)
{
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
    if (status == ok)
        return {is_changed(known, answer, content_length(answer)) ? kind::changed : kind::whole, std::nullopt};
    if (status != partial)
        return {};
    const content_range range = part_in(asked, answer);
    if (is_changed(known, answer, range.complete_length)
        || (known && is_unproven(known->validator, validator::of(answer))))
        return {kind::changed, std::nullopt};
    return {kind::part, range};
}

} // namespace weir::http
