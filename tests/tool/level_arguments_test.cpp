#include "level_arguments.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

using strings = std::vector<std::string>;

strings named(strings arguments, bool keep = true)
{
    arguments.insert(arguments.begin(), "-9");
    std::vector<char*> pointers;
    for (std::string& argument : arguments)
        pointers.push_back(argument.data());
    const auto takes_next = [](std::string_view text) { return text == "--level" || text == "--output"; };
    strings out = tool::with_levels_named(static_cast<int>(pointers.size()), pointers.data(), "oT", takes_next, keep);
    REQUIRE(out.front() == "-9"); // the name of the command
    out.erase(out.begin());
    return out;
}

} // namespace

TEST_CASE("level arguments: a number behind a dash is a level")
{
    CHECK(named({"-19", "a"}) == strings{"--level=19", "a"});
    CHECK(named({"-1", "-9"}) == strings{"--level=1", "--level=9"});
}

TEST_CASE("level arguments: letters may stand around it")
{
    CHECK(named({"-k9"}) == strings{"-k", "--level=9"});
    CHECK(named({"-19cf"}) == strings{"--level=19", "-cf"});
    CHECK(named({"-c3f"}) == strings{"-c", "--level=3", "-f"});
}

TEST_CASE("level arguments: values of other options are left alone")
{
    CHECK(named({"-T4"}) == strings{"-T4"});
    CHECK(named({"-T", "4", "-4"}) == strings{"-T", "4", "--level=4"});
    CHECK(named({"-9T4"}) == strings{"--level=9", "-T4"});
    CHECK(named({"-ko9"}) == strings{"-ko9"});
    CHECK(named({"-o", "-9"}) == strings{"-o", "-9"});
    CHECK(named({"-o", "--", "-9"}) == strings{"-o", "--", "--level=9"});
    CHECK(named({"--level=5", "--fast"}) == strings{"--level=5", "--fast"});
}

TEST_CASE("level arguments: the value of a long option is no level of its own")
{
    CHECK(named({"--level", "-5", "-4"}) == strings{"--level", "-5", "--level=4"});
    CHECK(named({"--output", "-9", "-9"}, false) == strings{"--output", "-9"});
    CHECK(named({"--keep", "-5"}) == strings{"--keep", "--level=5"});
}

TEST_CASE("level arguments: where there are none they are left out")
{
    CHECK(named({"-9", "-k9c", "-T4"}, false) == strings{"-k", "-c", "-T4"});
}

TEST_CASE("level arguments: nothing behind two dashes is one, nor one dash alone")
{
    CHECK(named({"-", "-1", "--", "-2"}) == strings{"-", "--level=1", "--", "-2"});
}
