#include "incoming.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace weir::testing::detail {
namespace {

constexpr std::size_t longest_head = 1024 * 1024;
constexpr std::size_t longest_line = 16 * 1024; // of chunk sizes and trailers

[[noreturn]] void give_up() { throw connection_over{connection_end::by_origin}; }

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trimmed(std::string_view text) noexcept
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
        text.remove_suffix(1);
    return text;
}

/// Takes the text before the next `end` off `rest`, all of it if there is none.
std::string_view take_until(std::string_view& rest, char end) noexcept
{
    const std::size_t size = std::min(rest.find(end), rest.size());
    const std::string_view taken = rest.substr(0, size);
    rest.remove_prefix(std::min(size + 1, rest.size()));
    return taken;
}

received_request take_apart(std::string head)
{
    received_request request;
    std::string_view rest = head;
    std::string_view line = trimmed(take_until(rest, '\n'));
    request.method = take_until(line, ' ');
    request.target = take_until(line, ' ');
    request.version = line;
    if (request.method.empty() || request.target.empty() || !request.version.starts_with("HTTP/"))
        give_up();
    while (!trimmed(line = take_until(rest, '\n')).empty()) {
        const std::string_view name = take_until(line, ':');
        request.fields.emplace_back(trimmed(name), trimmed(line));
    }
    request.head = std::move(head);
    return request;
}

/// \returns  where the head ends that begins `text`; npos if it has not come whole
std::size_t end_of_head(std::string_view text) noexcept
{
    for (std::size_t end = 0; (end = text.find('\n', end)) != std::string_view::npos;) {
        ++end;
        const std::string_view next = text.substr(end);
        if (next.starts_with('\n'))
            return end + 1;
        if (next.starts_with("\r\n"))
            return end + 2;
    }
    return std::string_view::npos;
}

std::uint64_t number(std::string_view text, int base)
{
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (failure != std::errc() || end == text.data())
        give_up();
    return value;
}

} // namespace

bool same_text(std::string_view a, std::string_view b) noexcept
{
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

bool has_token(const received_request& request, std::string_view name, std::string_view token) noexcept
{
    for (const auto& [field, value] : request.fields) {
        if (!same_text(field, name))
            continue;
        for (std::string_view rest = value; !rest.empty();)
            if (same_text(trimmed(take_until(rest, ',')), token))
                return true;
    }
    return false;
}

std::optional<received_request> incoming::next_head()
{
    drop_taken();
    std::size_t end = 0;
    for (;;) {
        buffer_.erase(0, std::min(buffer_.find_first_not_of("\r\n"), buffer_.size()));
        end = end_of_head(buffer_);
        if (end != std::string::npos)
            break;
        if (buffer_.size() > longest_head)
            give_up();
        if (!fill()) {
            if (buffer_.empty())
                return std::nullopt;
            throw connection_over{connection_end::by_peer};
        }
    }
    received_request request = take_apart(buffer_.substr(0, end));
    buffer_.erase(0, end);
    begin_body(request);
    return request;
}

std::string_view incoming::read_body(std::uint64_t at_most)
{
    drop_taken();
    if (framing_ == framing::chunks && left_ == 0)
        begin_chunk();
    if (framing_ == framing::none || left_ == 0 || at_most == 0)
        return {};
    if (buffer_.empty())
        need_bytes();
    taken_ = std::min<std::uint64_t>({buffer_.size(), left_, at_most});
    left_ -= taken_;
    return std::string_view(buffer_).substr(0, taken_);
}

std::string incoming::take_rest()
{
    drop_taken();
    return std::exchange(buffer_, {});
}

bool incoming::fill()
{
    std::array<char, 64 * 1024> room;
    const std::size_t count = peer_.read(room);
    buffer_.append(room.data(), count);
    return count != 0;
}

void incoming::need_bytes()
{
    if (!fill())
        throw connection_over{connection_end::by_peer};
}

void incoming::drop_taken()
{
    buffer_.erase(0, taken_);
    taken_ = 0;
}

std::string incoming::read_line()
{
    std::size_t end;
    while ((end = buffer_.find('\n')) == std::string::npos) {
        if (buffer_.size() > longest_line)
            give_up();
        need_bytes();
    }
    std::string line(trimmed(std::string_view(buffer_).substr(0, end)));
    buffer_.erase(0, end + 1);
    return line;
}

void incoming::begin_body(const received_request& request)
{
    framing_ = framing::none;
    left_ = 0;
    first_chunk_ = true;
    if (has_token(request, "Transfer-Encoding", "chunked"))
        framing_ = framing::chunks;
    else if (const auto length = request.field("Content-Length")) {
        framing_ = framing::length;
        left_ = number(*length, 10);
    }
}

void incoming::begin_chunk()
{
    if (!std::exchange(first_chunk_, false) && !read_line().empty())
        give_up();
    left_ = number(read_line(), 16);
    if (left_ != 0)
        return;
    while (!read_line().empty()) {
    }
    framing_ = framing::none;
}

} // namespace weir::testing::detail
