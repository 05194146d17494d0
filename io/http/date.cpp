#include <weir/http/date.hpp>

#include "grammar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace weir::http {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> day_names = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> month_names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::size_t short_name = 3;
constexpr seconds longest_wait = years(100);

/// Takes a date off its text, piece by piece. Once something does not fit, nothing does.
class date_reader {
public:
    explicit date_reader(std::string_view text) noexcept : rest_(text) {}

    [[nodiscard]] bool complete() const noexcept { return good_ && rest_.empty(); }
    [[nodiscard]] bool begins_with(std::string_view text) const noexcept { return rest_.starts_with(text); }

    void literal(std::string_view text) noexcept
    {
        if (demand(rest_.starts_with(text)))
            rest_.remove_prefix(text.size());
    }

    unsigned digits(std::size_t count) noexcept
    {
        const auto value = grammar::parse_number(rest_.substr(0, count));
        if (!demand(rest_.size() >= count && value))
            return 0;
        rest_.remove_prefix(count);
        return static_cast<unsigned>(*value);
    }

    /// \returns  the index of the name, of which `length` characters are there (all of them if it is 0)
    template <std::size_t Count>
    unsigned name(const std::array<std::string_view, Count>& names, std::size_t length) noexcept
    {
        for (unsigned index = 0; index < Count; ++index) {
            const std::string_view wanted = length == 0 ? names[index] : names[index].substr(0, length);
            if (!rest_.starts_with(wanted))
                continue;
            rest_.remove_prefix(wanted.size());
            return index;
        }
        demand(false);
        return 0;
    }

    day of_month() noexcept { return day(digits(2)); }
    month month_name() noexcept { return month(name(month_names, 0) + 1); }

    seconds time_of_day() noexcept
    {
        const unsigned hour = digits(2);
        literal(":");
        const unsigned minute = digits(2);
        literal(":");
        const unsigned second = digits(2);
        demand(hour < 24 && minute < 60 && second <= 60); // 60 is a leap second
        return hours(hour) + minutes(minute) + seconds(second);
    }

private:
    bool demand(bool holds) noexcept { return good_ = good_ && holds; }

    std::string_view rest_;
    bool good_ = true;
};

std::optional<sys_seconds> at(const date_reader& reader, year_month_day date, seconds time) noexcept
{
    if (!reader.complete() || !date.ok())
        return std::nullopt;
    return sys_days(date) + time;
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
std::optional<sys_seconds> parse_fixed(std::string_view text) noexcept
{
    date_reader reader(text);
    reader.name(day_names, short_name);
    reader.literal(", ");
    const day day_of_month = reader.of_month();
    reader.literal(" ");
    const month month_of_year = reader.month_name();
    reader.literal(" ");
    const year in_year(static_cast<int>(reader.digits(4)));
    reader.literal(" ");
    const seconds time = reader.time_of_day();
    reader.literal(" GMT");
    return at(reader, in_year / month_of_year / day_of_month, time);
}

/// The year that ends in these two digits and is at most 50 years ahead.
year full_year(unsigned two_digits, sys_seconds now) noexcept
{
    const int this_year = static_cast<int>(year_month_day(floor<days>(now)).year());
    int candidate = this_year - this_year % 100 + static_cast<int>(two_digits);
    if (candidate > this_year + 50)
        candidate -= 100;
    else if (candidate + 100 <= this_year + 50)
        candidate += 100;
    return year(candidate);
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
std::optional<sys_seconds> parse_rfc850(std::string_view text, sys_seconds now) noexcept
{
    date_reader reader(text);
    reader.name(day_names, 0);
    reader.literal(", ");
    const day day_of_month = reader.of_month();
    reader.literal("-");
    const month month_of_year = reader.month_name();
    reader.literal("-");
    const year in_year = full_year(reader.digits(2), now);
    reader.literal(" ");
    const seconds time = reader.time_of_day();
    reader.literal(" GMT");
    return at(reader, in_year / month_of_year / day_of_month, time);
}

/// `Sun Nov  6 08:49:37 1994`
std::optional<sys_seconds> parse_asctime(std::string_view text) noexcept
{
    date_reader reader(text);
    reader.name(day_names, short_name);
    reader.literal(" ");
    const month month_of_year = reader.month_name();
    reader.literal(" ");
    const bool one_digit = reader.begins_with(" ");
    if (one_digit)
        reader.literal(" ");
    const day day_of_month(reader.digits(one_digit ? 1 : 2));
    reader.literal(" ");
    const seconds time = reader.time_of_day();
    reader.literal(" ");
    const year in_year(static_cast<int>(reader.digits(4)));
    return at(reader, in_year / month_of_year / day_of_month, time);
}

} // namespace

std::optional<sys_seconds> parse_date(std::string_view text, sys_seconds now) noexcept
{
    if (const auto fixed = parse_fixed(text))
        return fixed;
    if (const auto old = parse_rfc850(text, now))
        return old;
    return parse_asctime(text);
}

std::string format_date(sys_seconds time)
{
    const sys_days midnight = floor<days>(time);
    const year_month_day date(midnight);
    const hh_mm_ss clock(time - midnight);
    return fmt::format(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", day_names[weekday(midnight).c_encoding()].substr(0, short_name),
        static_cast<unsigned>(date.day()), month_names[static_cast<unsigned>(date.month()) - 1],
        static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<seconds> parse_retry_after(std::string_view value, sys_seconds now) noexcept
{
    if (!value.empty() && grammar::all_of(value, grammar::is_digit)) {
        const auto most = static_cast<std::uint64_t>(longest_wait.count());
        return seconds(static_cast<seconds::rep>(grammar::parse_number(value, most).value_or(most)));
    }
    const auto date = parse_date(value, now);
    if (!date)
        return std::nullopt;
    return std::clamp(*date - now, seconds(0), longest_wait);
}

} // namespace weir::http
