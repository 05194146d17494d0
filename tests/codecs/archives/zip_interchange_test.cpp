// Zip archives that other programs make, by their directory and as streams.
#include "zip_reading.hpp"

#include "support/files.hpp"
#include "support/sanitized.hpp"
#include "support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

namespace zip_interchange_test {
namespace {

using test::bench;
using test::is_installed;
using contents = std::map<std::string, test::byte_vector>;

const contents files = {
    {"tree/empty", {}},
    {"tree/small", test::words(100, 70)},
    {"tree/words", test::words(300'000, 71)},
    {"tree/a deeper/directory/random", test::random_bytes(70'000, 72)},
    {"tree/n\u00e4me", test::words(5000, 73)},
};

/// A tree of files, and the tools that pack it.
struct workshop {
    workshop()
    {
        for (const auto& [name, content] : files)
            here.write(name, content);
    }

    /// What a command writes to `out` of the tree's directory.
    test::byte_vector make(const std::string& command) const
    {
        const std::string out = here / "out";
        std::filesystem::remove(out);
        REQUIRE(std::system(("cd " + here.path() + " && " + command).c_str()) == 0);
        return test::bytes_of(test::content_of(out));
    }

    test::temp_dir here;
};

void check_files(const std::vector<test::zip_found>& found)
{
    std::size_t count = 0;
    for (const test::zip_found& each : found) {
        CAPTURE(each.entry.name);
        CHECK(!each.failure);
        if (each.entry.name.ends_with('/')) {
            CHECK(each.entry.type == weir::archive_entry_type::directory);
            continue;
        }
        ++count;
        REQUIRE(files.contains(each.entry.name));
        CHECK(each.content == files.at(each.entry.name));
        CHECK(each.entry.modified.has_value());
    }
    CHECK(count == files.size());
}

/// Writes the tree with Python; `how` may have changed what a file is opened or written with.
std::string python(const std::string& method, const std::string& how)
{
    return "python3 -c \"\n"
           "import os, sys, zipfile\n"
           "class Pipe:\n"
           "    def __init__(self, file): self.file = file\n"
           "    def write(self, data): return self.file.write(data)\n"
           "    def flush(self): self.file.flush()\n"
           "out = open('out', 'wb')\n"
           + how
           + "with zipfile.ZipFile(out, 'w', zipfile." + method
           + ") as archive:\n"
             "    for place, _, names in os.walk('tree'):\n"
             "        for name in names:\n"
             "            path = os.path.join(place, name)\n"
             "            info = zipfile.ZipInfo.from_file(path)\n"
             "            info.compress_type = zipfile." + method
           + "\n"
             "            with open(path, 'rb') as file, archive.open(info, 'w', force_zip64=zip64) as entry:\n"
             "                entry.write(file.read())\n"
             "\"";
}

} // namespace

TEST_CASE("zip interchange: what Info-ZIP makes is read both ways")
{
    if (!is_installed("zip")) {
        MESSAGE("skipped: zip is not here");
        return;
    }
    const workshop shop;
    bench b;
    for (const char* const command : {"zip -q -r out tree && mv out.zip out", "zip -q -0 -r out tree && mv out.zip out",
                                      "zip -q -9 -X -r out tree && mv out.zip out", "zip -q -fz -r out tree && mv out.zip out"}) {
        CAPTURE(command);
        const test::byte_vector archive = shop.make(command);
        check_files(test::read_zip(b, archive));
        check_files(test::stream_zip(b, archive));
    }
    const test::byte_vector piped = shop.make("zip -q -r - tree | cat >out"); // sizes follow the contents
    check_files(test::read_zip(b, piped));
    check_files(test::stream_zip(b, piped));
}

TEST_CASE("zip interchange: links and modes of Info-ZIP are told; what is encrypted is refused")
{
    if (!is_installed("zip")) {
        MESSAGE("skipped: zip is not here");
        return;
    }
    const workshop shop;
    bench b;
    const std::vector<test::zip_found> found = test::read_zip(
        b, shop.make("ln -sf ../elsewhere tree/link && chmod 750 tree/small && zip -q -y -r out tree/link tree/small"
                     " && mv out.zip out && rm tree/link"));
    REQUIRE(found.size() == 2);
    CHECK(found[0].entry.type == weir::archive_entry_type::symbolic_link);
    CHECK(found[0].entry.link_target == "../elsewhere");
    CHECK(found[1].entry.mode == 0750);
    for (const test::zip_found& each : test::read_zip(b, shop.make("zip -q -P secret out tree/words && mv out.zip out")))
        CHECK(each.failure == weir::errc::encrypted);
}

TEST_CASE("zip interchange: what Info-ZIP reads from a pipe is a file, as standard input and by a name")
{
    if (!is_installed("zip")) {
        MESSAGE("skipped: zip is not here");
        return;
    }
    const workshop shop;
    bench b;
    for (const char* const command : {"echo content | zip -q out.zip - && mv out.zip out",
                                      "mkfifo pipe && { echo content > pipe & zip -q -FI out pipe && mv out.zip out; }"}) {
        CAPTURE(command);
        const std::vector<test::zip_found> found = test::read_zip(b, shop.make(command));
        REQUIRE(found.size() == 1);
        CHECK(found[0].entry.type == weir::archive_entry_type::file);
        CHECK(!found[0].failure);
        CHECK(found[0].content == test::bytes_of("content\n"));
    }
}

TEST_CASE("zip interchange: what Python makes is read both ways, also from a pipe and with zip64")
{
    if (!is_installed("python3")) {
        MESSAGE("skipped: python3 is not here");
        return;
    }
    const workshop shop;
    bench b;
    const std::vector<std::uint16_t> methods = test::zip_methods();
    const std::pair<std::uint16_t, std::string> known[] = {{0, "ZIP_STORED"}, {8, "ZIP_DEFLATED"}, {14, "ZIP_LZMA"}};
    for (const auto& each : known)
        for (const bool zip64 : {false, true})
            for (const bool piped : {false, true}) {
                const std::uint16_t number = each.first;
                const std::string& method = each.second;
                if (std::ranges::find(methods, number) == methods.end() || (test::is_sanitized && zip64 != piped))
                    continue;
                CAPTURE(method);
                CAPTURE(zip64);
                CAPTURE(piped);
                const std::string how
                    = std::string(zip64 ? "zip64 = True\n" : "zip64 = False\n") + (piped ? "out = Pipe(out)\n" : "");
                const test::byte_vector archive = shop.make(python(method, how));
                check_files(test::read_zip(b, archive));
                if (number == 0 && piped)
                    CHECK(test::code_of([&] { return test::stream_zip(b, archive); }) == weir::errc::unsupported_format);
                else
                    check_files(test::stream_zip(b, archive));
            }
}

TEST_CASE("zip interchange: bsdtar and 7z")
{
    const workshop shop;
    bench b;
    const std::pair<std::string, std::string> tools[] = {
        {"bsdtar", "bsdtar --format zip -cf out tree"},
        {"7z", "7z a -bd -tzip out.zip tree >/dev/null && mv out.zip out"},
        {"7z", "7z a -bd -tzip -mm=LZMA out.zip tree >/dev/null && mv out.zip out"},
    };
    for (const auto& each : tools) {
        const std::string& tool = each.first;
        const std::string& command = each.second;
        if (!is_installed(tool)) {
            MESSAGE("skipped: " << tool << " is not here");
            continue;
        }
        CAPTURE(command);
        const test::byte_vector archive = shop.make(command);
        check_files(test::read_zip(b, archive));
        check_files(test::stream_zip(b, archive));
    }
}
} // namespace zip_interchange_test
