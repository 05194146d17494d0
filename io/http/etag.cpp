#include <weir/http/etag.hpp>

#include "grammar.hpp"

#include <weir/http/date.hpp>

namespace weir::http {
namespace {

using std::chrono::sys_seconds;

/// Between a change and the date of an answer must lie more than clocks of one second's steps can hide.
constexpr std::chrono::seconds settled_after{60};

/// \see RFC 9110, section 8.8.3, etagc; bytes above 0x7f are opaque
bool is_tag_character(char c) noexcept { return c != '"' && c != ' ' && !grammar::is_control(c); }

std::optional<sys_seconds> date_in(const fields& answer, std::string_view name)
{
    const auto value = answer.find_only(name);
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return value ? parse_date(*value, now) : std::nullopt;
}

} // namespace

std::optional<entity_tag> entity_tag::parse(std::string_view text)
{
    const bool is_weak = text.starts_with("W/"); // with case: "w/" is no tag
    if (is_weak)
        text.remove_prefix(2);
    if (text.size() < 2 || text.front() != '"' || text.back() != '"')
        return std::nullopt;
    const std::string_view opaque = text.substr(1, text.size() - 2);
    if (!grammar::all_of(opaque, is_tag_character))
        return std::nullopt;
    return entity_tag(is_weak, opaque);
}

std::string entity_tag::to_string() const { return (is_weak_ ? "W/\"" : "\"") + opaque_ + '"'; }

bool strongly_equal(const entity_tag& a, const entity_tag& b) noexcept { return !a.is_weak() && a == b; }

bool weakly_equal(const entity_tag& a, const entity_tag& b) noexcept { return a.opaque() == b.opaque(); }

validator validator::of(const fields& answer)
{
    validator out;
    if (const auto tag = answer.find_only("ETag"))
        out.tag_ = entity_tag::parse(*tag);
    out.last_modified_ = date_in(answer, "Last-Modified");
    const auto date = date_in(answer, "Date");
    out.is_old_enough_ = out.last_modified_ && date && *date - *out.last_modified_ >= settled_after;
    return out;
}

bool validator::is_strong() const noexcept { return tag_ ? !tag_->is_weak() : last_modified_ && is_old_enough_; }

std::optional<std::string> validator::if_range() const
{
    if (!is_strong())
        return std::nullopt;
    return tag_ ? tag_->to_string() : format_date(*last_modified_);
}

bool validator::demand_in(fields& request) const
{
    const auto value = if_range();
    if (value)
        request.set(tag_ ? "If-Match" : "If-Unmodified-Since", *value);
    return value.has_value();
}

bool validator::certainly_same(const validator& later) const noexcept
{
    if (!is_strong() || !later.is_strong() || tag_.has_value() != later.tag_.has_value())
        return false;
    return tag_ ? *tag_ == *later.tag_ : last_modified_ == later.last_modified_;
}

} // namespace weir::http
