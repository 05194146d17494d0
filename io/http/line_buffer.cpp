#include <weir/http/line_buffer.hpp>

#include <weir/error.hpp>

namespace weir::http {

std::optional<std::string_view> line_buffer::take(std::string_view& bytes)
{
    if (!is_partial_) {
        kept_.clear();
        line_start_ = taken_;
    }
    const std::size_t end = bytes.substr(0, limits_.bytes - taken_ + 1).find('\n');
    const std::string_view piece = bytes.substr(0, end == std::string_view::npos ? end : end + 1);
    admit(piece.size());
    bytes.remove_prefix(piece.size());
    const bool came_whole = !is_partial_;
    is_partial_ = end == std::string_view::npos && (is_partial_ || !piece.empty());
    if (!came_whole || end == std::string_view::npos)
        kept_.append(piece);
    if (end == std::string_view::npos)
        return std::nullopt;
    if (++count_ > limits_.lines) {
        is_over_limit_ = true;
        refuse("more than " + std::to_string(limits_.lines) + " lines");
    }
    const std::string_view line = came_whole ? piece : std::string_view(kept_);
    if (!line.ends_with("\r\n"))
        refuse("a line ends without CR");
    return line.substr(0, line.size() - 2);
}

void line_buffer::admit(std::size_t bytes)
{
    if (bytes > limits_.bytes - taken_) {
        is_over_limit_ = true;
        refuse("more than " + std::to_string(limits_.bytes) + " bytes");
    }
    taken_ += bytes;
}

void line_buffer::reset(std::uint64_t origin) noexcept
{
    origin_ = origin;
    kept_.clear();
    taken_ = line_start_ = count_ = 0;
    is_partial_ = is_over_limit_ = false;
}

void line_buffer::refuse(std::string_view reason) const
{
    throw error(errc::protocol_violation, "read", section_, origin_ + line_start_, reason);
}

void line_buffer::refuse_end() const
{
    throw error(errc::ended_early, "read", section_, origin_ + taken_, "the connection ended");
}

} // namespace weir::http
