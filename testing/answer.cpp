#include "answer.hpp"

#include "incoming.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace weir::testing::detail {
namespace {

// Long enough ago to be a strong validator. \see RFC 9110, section 8.8.2.2
constexpr std::string_view last_modified = "Thu, 01 Jan 2026 00:00:00 GMT";

/// What an object's answer to a request holds.
struct selection {
    unsigned status = 200;
    std::string_view reason = "OK";
    std::uint64_t first = 0;
    std::uint64_t size = 0;
    std::string content_range;
};

struct range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};

enum class range_kind { none, satisfiable, unsatisfiable };

/// \returns  nothing if it is no number of digits only
std::optional<std::uint64_t> number(std::string_view text)
{
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
        return std::nullopt;
    if (std::from_chars(text.data(), end, value).ec != std::errc())
        return rule::no_end; // beyond the end of any object
    return value;
}

/// \returns  none for what is no single range of bytes: it is ignored then
range_kind read_range(std::string_view text, std::uint64_t size, range& found)
{
    static constexpr std::string_view unit = "bytes=";
    const std::size_t dash = text.find('-');
    if (!same_text(text.substr(0, unit.size()), unit) || dash == std::string_view::npos)
        return range_kind::none;
    const std::string_view first_text = text.substr(unit.size(), dash - unit.size());
    const std::string_view last_text = text.substr(dash + 1);
    const auto first = number(first_text);
    const auto last = number(last_text);
    if ((!first && !first_text.empty()) || (!last && !last_text.empty()) || (!first && !last))
        return range_kind::none;
    if (first && last && *last < *first)
        return range_kind::none;
    if (size == 0 || (first ? *first >= size : *last == 0))
        return range_kind::unsatisfiable;
    found.first = first ? *first : size - std::min(size, *last);
    found.last = first && last ? std::min(*last, size - 1) : size - 1;
    return range_kind::satisfiable;
}

bool lists(const received_request& request, std::string_view name, const std::string& etag)
{
    return has_token(request, name, "*") || has_token(request, name, etag);
}

bool wants_range(const received_request& request, const object& served)
{
    const auto condition = request.field("If-Range");
    return request.method == "GET" && request.field("Range")
        && (!condition || *condition == served.etag() || *condition == last_modified);
}

/// \see RFC 9110, section 13.2.2
selection select(const object& served, const received_request& request, bool ranges)
{
    if (request.field("If-Match") && !lists(request, "If-Match", served.etag()))
        return {412, "Precondition Failed", 0, 0, {}};
    if (request.field("If-None-Match") && lists(request, "If-None-Match", served.etag()))
        return {304, "Not Modified", 0, 0, {}};
    if (ranges && wants_range(request, served)) {
        range found;
        const std::string size = std::to_string(served.size());
        switch (read_range(*request.field("Range"), served.size(), found)) {
        case range_kind::unsatisfiable: return {416, "Range Not Satisfiable", 0, 0, "bytes */" + size};
        case range_kind::satisfiable:
            return {206, "Partial Content", found.first, found.last - found.first + 1,
                    "bytes " + std::to_string(found.first) + '-' + std::to_string(found.last) + '/' + size};
        case range_kind::none: break;
        }
    }
    return {200, "OK", 0, served.size(), {}};
}

bool has_no_body(unsigned status) noexcept { return status < 200 || status == 204 || status == 304; }

bool asks_to_close(const received_request& request) noexcept
{
    if (request.version == "HTTP/1.0")
        return !has_token(request, "Connection", "keep-alive");
    return has_token(request, "Connection", "close");
}

/// The head, line by line. What the step overrides is left out.
class head_writer {
public:
    head_writer(const answer_step& step, unsigned status, std::string_view reason) : step_(step)
    {
        head_ = "HTTP/1.1 " + std::to_string(status) + ' ' + std::string(reason) + "\r\n";
    }

    void add(std::string_view name, std::string_view value)
    {
        const auto is_it = [&](std::string_view other) { return same_text(name, other); };
        if (std::ranges::any_of(step_.left_out, is_it) || std::ranges::any_of(step_.headers, is_it, &field_line::name))
            return;
        append(name, value);
    }

    [[nodiscard]] std::string finish()
    {
        for (const field_line& line : step_.headers)
            append(line.name, line.value);
        return std::move(head_) + "\r\n";
    }

private:
    void append(std::string_view name, std::string_view value)
    {
        head_.append(name).append(": ").append(value).append("\r\n");
    }

    const answer_step& step_;
    std::string head_;
};

void add_framing(head_writer& head, const answer_step& step, std::uint64_t size)
{
    if (step.how == answer_step::framing::chunked)
        head.add("Transfer-Encoding", "chunked");
    else if (step.how == answer_step::framing::length)
        head.add("Content-Length", std::to_string(size));
}

void add_object(head_writer& head, const object& served, const selection& selected)
{
    head.add("ETag", served.etag());
    head.add("Last-Modified", last_modified);
    head.add("Accept-Ranges", "bytes");
    if (selected.status == 200 || selected.status == 206)
        head.add("Content-Type", "application/octet-stream");
    if (!selected.content_range.empty())
        head.add("Content-Range", selected.content_range);
}

} // namespace

composed_answer compose(const answer_step& step, const received_request& request)
{
    selection selected{step.status, step.reason, 0, step.body.size(), {}};
    if (step.served)
        selected = select(*step.served, request, step.ranges);
    if (step.other_status) {
        selected.status = *step.other_status;
        selected.reason = step.reason;
    }
    const bool bodiless = has_no_body(selected.status);
    composed_answer answer;
    answer.has_body = !bodiless && request.method != "HEAD";
    answer.first = selected.first;
    answer.size = selected.size;
    head_writer head(step, selected.status, selected.reason);
    if (step.served)
        add_object(head, *step.served, selected);
    if (!bodiless)
        add_framing(head, step, selected.size);
    const bool until_close = answer.has_body && step.how == answer_step::framing::until_close;
    answer.last = selected.status >= 200 && (until_close || asks_to_close(request));
    if (answer.last)
        head.add("Connection", "close");
    answer.head = head.finish();
    return answer;
}

} // namespace weir::testing::detail
