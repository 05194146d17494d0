#include "arguments.hpp"

#include "block_io.hpp"

#include <weir/error.hpp>
#include <weir/size.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace tool {
namespace {

using namespace weir::literals;

constexpr std::size_t step_bytes = 64_KiB;

} // namespace

path_list::path_list(std::string path, char separator, std::size_t longest)
    : path_(std::move(path)), separator_(separator), longest_(longest)
{}

std::optional<std::string> path_list::next()
{
    std::size_t searched = position_;
    for (;;) {
        const std::size_t end = buffer_.find(separator_, searched);
        if (std::min(end, buffer_.size()) - position_ > longest_)
            refuse_length();
        if (end == std::string::npos && !ended_) {
            searched = buffer_.size() - position_; // where what follows will stand
            fill();
            continue;
        }
        // The last path may lack its separator.
        std::string path = buffer_.substr(position_, end == std::string::npos ? end : end - position_);
        position_ = end == std::string::npos ? buffer_.size() : end + 1;
        searched = position_;
        ++line_;
        if (!path.empty())
            return path;
        if (position_ == buffer_.size() && ended_)
            return std::nullopt;
    }
}

bool path_list::has_next_at_hand() const noexcept
{
    const std::size_t start = buffer_.find_first_not_of(separator_, position_);
    return start != std::string::npos && buffer_.find(separator_, start) != std::string::npos;
}

void path_list::fill()
{
    if (!file_)
        file_ = path_ == "-" ? weir::file_handle(::dup(STDIN_FILENO)) : weir::file_handle::open(path_);
    buffer_.erase(0, position_);
    position_ = 0;
    const std::size_t size = buffer_.size();
    buffer_.resize(size + step_bytes);
    ssize_t count = 0;
    do
        count = ::read(file_.descriptor(), buffer_.data() + size, step_bytes);
    while (count < 0 && is_worth_another(file_.descriptor(), POLLIN));
    buffer_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0)
        weir::throw_system_error(errno, "read", path_);
    ended_ = count == 0;
}

void path_list::refuse_length() const
{
    throw weir::error(weir::errc::bad_format, "read", path_, std::nullopt,
                      fmt::format("line {} is longer than {}", line_ + 1, weir::format_size(longest_)));
}

argument_supply::argument_supply(std::vector<std::string> arguments, std::vector<path_list> lists, refusal refused)
    : arguments_(std::move(arguments)), lists_(std::move(lists)), refused_(std::move(refused))
{
    input_taken_ = std::ranges::count(lists_, "-", &path_list::path) != 0;
}

void argument_supply::next(std::vector<std::string>& out, std::size_t most)
{
    for (bool given = false; most > 0 && (!given || has_next_at_hand());) {
        std::optional<std::string> path = next_unchecked();
        if (!path)
            break;
        if (is_refused(*path))
            continue;
        out.push_back(std::move(*path));
        given = true;
        --most;
    }
}

bool argument_supply::has_next_at_hand() const noexcept
{
    if (next_argument_ < arguments_.size())
        return true;
    return next_list_ < lists_.size() && lists_[next_list_].has_next_at_hand();
}

bool argument_supply::is_refused(const std::string& path)
{
    if (path.empty())
        refused_(path, std::make_error_code(std::errc::no_such_file_or_directory), "open '': no file has this name");
    else if (path == "-" && std::exchange(input_taken_, true))
        refused_(path, std::make_error_code(std::errc::device_or_resource_busy), "read -: standard input can be read once");
    else
        return false;
    return true;
}

std::optional<std::string> argument_supply::next_unchecked()
{
    if (next_argument_ < arguments_.size())
        return arguments_[next_argument_++];
    for (; next_list_ < lists_.size(); ++next_list_) {
        path_list& list = lists_[next_list_];
        try {
            if (std::optional<std::string> path = list.next())
                return path;
        }
        catch (const weir::error& failure) {
            refused_(list.path(), failure.code(), failure.what());
        }
    }
    return std::nullopt;
}

} // namespace tool
