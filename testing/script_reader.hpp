#pragma once
// A script as text: a statement a line, each of which calls the function of the same name.

#include <weir/testing/script.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::testing::detail {

/// Takes the words off one line: separated by blanks, or in quotes, with escapes.
class line_reader {
public:
    struct word {
        std::string text;
        bool quoted = false;
    };

    /// What is wrong with the line.
    struct mistake {
        std::string why;
    };

    explicit line_reader(std::string_view line) noexcept;

    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    [[nodiscard]] bool at(char c) const noexcept { return rest_.starts_with(c); }
    /// The next word, as it stands; empty at the end.
    [[nodiscard]] std::string_view peek() const noexcept { return rest_.substr(0, rest_.find_first_of(" \t")); }
    /// \throws mistake  there is none: `what` is missing
    word next(std::string_view what);
    /// Takes the next word if it is this one.
    bool skip(std::string_view expected);
    void expect(std::string_view expected);
    /// All words that are left, put together. \throws mistake  there is none
    std::string text();
    /// All that is left, as it stands.
    std::string_view raw() noexcept;

    std::uint64_t number(std::string_view what);
    std::uint64_t size(std::string_view what);
    rule::duration time(std::string_view what);

private:
    void skip_blanks() noexcept;
    std::string quoted();
    char escaped();

    std::string_view rest_;
};

class script_reader {
public:
    explicit script_reader(std::string_view name);

    /// \throws script_error
    [[nodiscard]] script read(std::string_view text);

private:
    void read_line(std::string_view line);
    void read_object(line_reader& words);
    void read_on(line_reader& words);
    void read_accept(line_reader& words);
    void read_conditions(line_reader& words);

    script script_;
    std::optional<rule> rule_;
};

} // namespace weir::testing::detail
