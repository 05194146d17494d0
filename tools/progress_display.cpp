#include "progress_display.hpp"

#include "command.hpp"

#include <weir/size.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace tool {
namespace {

using std::chrono_literals::operator""ms;

constexpr auto redraw_time = 100ms;
constexpr auto line_time = 1000ms;
constexpr auto worth_showing = 1000ms;

std::size_t terminal_width()
{
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79u;
}

/// Whether a line can be drawn over: a terminal that says it is dumb cannot.
bool can_redraw()
{
    const char* const type = std::getenv("TERM");
    return ::isatty(STDERR_FILENO) == 1 && std::string_view(type ? type : "") != "dumb";
}

/// At most `width` characters; without cells where they do not fit.
std::string bar(double share, std::size_t width)
{
    constexpr std::size_t most_cells = 24;
    constexpr std::size_t least_cells = 4;
    const std::string percent = fmt::format("{:3.0f}%  ", share * 100);
    if (width < percent.size() + least_cells + 3)
        return percent;
    const std::size_t cells = std::min(most_cells, width - percent.size() - 3);
    const auto full = static_cast<std::size_t>(share * cells);
    return fmt::format("[{}{}] {}", std::string(full, '#'), std::string(cells - full, '.'), percent);
}

std::string clock_time(std::chrono::nanoseconds time)
{
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
    if (seconds >= 3600)
        return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

} // namespace

std::string progress_line(const weir::progress_snapshot& snapshot, std::uint64_t files, std::size_t width)
{
    const weir::progress_snapshot::stage& stage = snapshot.stages.front();
    const std::string done = weir::format_size(stage.done);
    const std::string of = stage.total ? fmt::format(" of {}", weir::format_size(*stage.total)) : std::string();
    const std::string rate = fmt::format("  {}/s", weir::format_size(static_cast<std::uint64_t>(stage.rate)));
    const std::string count = fmt::format("  {}", counted(files, "file"));
    const std::string elapsed = fmt::format("  {}", clock_time(snapshot.elapsed));
    const std::string left = snapshot.left ? fmt::format("  ETA {}", clock_time(*snapshot.left)) : std::string();
    // What is missed least goes first where a line is too short.
    const std::size_t room = width - std::min(width, snapshot.share ? bar(*snapshot.share, 0).size() : 0);
    std::string line;
    for (const auto& fields : {std::array<std::string_view, 6>{done, of, rate, count, elapsed, left},
                               {done, of, rate, count, left}, {done, of, rate, left}, {done, of, left}, {done, of}, {done}}) {
        line = fmt::format("{}", fmt::join(fields, ""));
        if (line.size() <= room)
            break;
    }
    if (snapshot.share)
        line.insert(0, bar(*snapshot.share, width - std::min(width, line.size())));
    return line.substr(0, width);
}

progress_display::progress_display(asio::any_io_executor executor, progress_mode mode, std::function<work_done()> look)
    : messages_(executor, STDERR_FILENO, [] {}), // messages that cannot be shown are no failure of the work
      look_(std::move(look)),
      timer_(executor),
      progress_({weir::progress_stage{"read"}}),
      terminal_(can_redraw()),
      wanted_(mode == progress_mode::always || (mode == progress_mode::automatic && terminal_)),
      at_once_(mode == progress_mode::always && terminal_)
{}

void progress_display::start()
{
    if (wanted_)
        wait(at_once_ ? redraw_time : terminal_ ? worth_showing : line_time);
}

void progress_display::wait(std::chrono::milliseconds time)
{
    timer_.expires_after(time);
    timer_.async_wait([this](const boost::system::error_code& failure) {
        if (failure)
            return;
        show();
        wait(terminal_ ? redraw_time : line_time);
    });
}

void progress_display::show()
{
    const work_done done = look_();
    progress_.add(0, done.bytes - shown_bytes_);
    shown_bytes_ = done.bytes;
    if (done.total_bytes)
        progress_.set_total(0, *done.total_bytes);
    if (!messages_.is_idle())
        return; // nobody reads: what is shown later is newer
    const std::string line = progress_line(progress_.snapshot(), done.files, terminal_ ? terminal_width() : 200);
    print(terminal_ ? fmt::format("\r{}\x1b[K", line) : fmt::format("{}\n", line));
    bar_drawn_ = terminal_;
}

void progress_display::erase_bar()
{
    if (std::exchange(bar_drawn_, false))
        print("\r\x1b[K");
}

void progress_display::stop()
{
    if (!wanted_)
        return;
    timer_.cancel();
    if (terminal_)
        erase_bar();
    else
        show();
    wanted_ = false;
}

void progress_display::say(std::string_view text)
{
    erase_bar();
    print(message_line(text));
}

void progress_display::print(std::string_view text)
{
    messages_.lines() += text;
    messages_.write_now();
    messages_.appended();
}

asio::awaitable<void> progress_display::room()
{
    try {
        co_await messages_.room();
    }
    catch (const output_error&) {
        // There is nowhere left to say so.
    }
}

asio::awaitable<void> progress_display::drain()
{
    try {
        co_await messages_.drain();
    }
    catch (const output_error&) {
        // There is nowhere left to say so.
    }
}

} // namespace tool
