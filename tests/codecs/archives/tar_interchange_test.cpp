// What programs write is read as they mean it.

#include "archive_reading.hpp"

#include "support/files.hpp"
#include "support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

using test::bench;
using test::content_of;
using test::is_installed;
using weir::archive_entry_type;

namespace {

std::string text_of(const test::byte_vector& from) { return {reinterpret_cast<const char*>(from.data()), from.size()}; }

/// A tree of files whose names and sizes try what formats can say.
struct tree {
    explicit tree(bool has_long_names)
    {
        add("empty", "");
        add("small", "content");
        add("dir/block", std::string(512, 'b'));
        add("dir/large", text_of(test::words(300'000, 1)));
        add(std::string(has_long_names ? 100 : 97, 'x'), "a full field");
        if (has_long_names) {
            add(std::string(120, 'p') + "/" + std::string(90, 'n'), "a prefix");
            add(std::string(200, 'p') + "/" + std::string(200, 'n'), "long");
            add("\xc3\xa4\xff not quite UTF-8", "bytes");
        }
        REQUIRE(std::system(("cd " + here.path() + "/in && ln -s 'small' soft && ln small zhard && chmod 600 small"
                             + " && touch -d @1234567890 small && touch -d @-5 empty")
                                .c_str())
                == 0);
    }

    void add(const std::string& name, const std::string& content)
    {
        here.write("in/" + name, content);
        files[name] = content;
    }

    test::temp_dir here;
    std::map<std::string, std::string> files;
};

/// Runs a command in the directory of the tree, which writes ../out.tar. \returns  the archive
std::string archive_of(const tree& from, const std::string& command)
{
    REQUIRE(std::system(("cd " + from.here.path() + "/in && " + command).c_str()) == 0);
    return content_of(from.here / "out.tar");
}

std::string without_dot(std::string name)
{
    if (name.starts_with("./"))
        name.erase(0, 2);
    return name;
}

void check_all(const tree& expected, const test::reading& all)
{
    CHECK(all.message.empty());
    std::map<std::string, test::read_entry> found;
    for (const test::read_entry& each : all.entries)
        found[without_dot(each.entry.name)] = each;
    for (const auto& each : expected.files) {
        const std::string& name = each.first;
        const std::string& content = each.second;
        CAPTURE(name);
        REQUIRE(found.count(name) == 1);
        const test::read_entry& entry = found[name];
        if (entry.entry.type == archive_entry_type::hard_link)
            continue;
        CHECK(entry.entry.type == archive_entry_type::file);
        CHECK(entry.entry.size == content.size());
        CHECK(entry.content == content);
    }
    CHECK(found["dir/"].entry.type == archive_entry_type::directory);
    CHECK(found["soft"].entry.type == archive_entry_type::symbolic_link);
    CHECK(found["soft"].entry.link_target == "small");
    const bool is_first = found["small"].entry.type == archive_entry_type::file;
    const test::read_entry& file = found[is_first ? "small" : "zhard"];
    const test::read_entry& link = found[is_first ? "zhard" : "small"];
    CHECK(file.content == "content");
    CHECK(file.entry.mode == 0600);
    CHECK(file.entry.modified == std::chrono::sys_seconds(std::chrono::seconds(1234567890)));
    CHECK(link.entry.type == archive_entry_type::hard_link);
    CHECK(without_dot(link.entry.link_target) == (is_first ? "small" : "zhard"));
}

void check_program(const std::string& program, const std::string& command, bool has_long_names)
{
    if (!is_installed(program)) {
        MESSAGE("skipped: " << program << " is not here");
        return;
    }
    CAPTURE(command);
    const tree files(has_long_names);
    bench b;
    check_all(files, test::read_text(b, archive_of(files, command)));
}

std::string python(const std::string& format)
{
    return "python3 -c 'import tarfile; t = tarfile.open(\"../out.tar\", \"w\", format=tarfile." + format
        + "_FORMAT); t.add(\".\"); t.close()'";
}

} // namespace

TEST_CASE("interchange: archives of GNU tar in all its formats")
{
    for (const char* format : {"gnu", "oldgnu", "posix"})
        check_program("tar", "tar --format=" + std::string(format) + " -cf ../out.tar .", true);
    // These have no times before 1970, and no long names.
    for (const char* format : {"ustar", "v7"})
        check_program("tar", "touch -d @5 empty && tar --format=" + std::string(format) + " -cf ../out.tar .", false);
    check_program("tar", "tar --format=posix -V label --pax-option=comment=x -cf ../out.tar .", true);
    check_program("tar", "tar --format=gnu -V label -b 1 -cf ../out.tar .", true);
}

TEST_CASE("interchange: archives of bsdtar and of Python's tarfile")
{
    for (const char* format : {"gnutar", "pax"})
        check_program("bsdtar", "bsdtar --format " + std::string(format) + " -cf ../out.tar .", true);
    check_program("bsdtar", "touch -d @5 empty && bsdtar --format ustar -cf ../out.tar .", false);
    for (const char* format : {"GNU", "PAX"})
        check_program("python3", python(format), true);
    check_program("python3", "touch -d @5 empty && " + python("USTAR"), false);
}

TEST_CASE("interchange: sparse files of GNU tar in all its forms")
{
    if (!is_installed("tar") || !is_installed("cp")) {
        MESSAGE("skipped: tar or cp is not here");
        return;
    }
    const test::temp_dir here;
    std::string content(3'000'000, '\0');
    for (std::size_t i = 0; i < 40; ++i)
        content.replace(i * 70'000 + 4096, 1000, std::string(1000, static_cast<char>('a' + i % 26)));
    const std::string path = here.write("sparse", content);
    REQUIRE(std::system(("cp --sparse=always " + path + " " + path + ".new && mv " + path + ".new " + path).c_str())
            == 0);
    for (const char* form : {"--format=gnu", "--format=oldgnu", "--format=posix --sparse-version=0.0",
                             "--format=posix --sparse-version=0.1", "--format=posix --sparse-version=1.0"}) {
        CAPTURE(form);
        const std::string command =
            "cd " + here.path() + " && tar -S --hole-detection=raw " + form + " -cf out.tar sparse";
        REQUIRE(std::system(command.c_str()) == 0);
        const std::string text = content_of(here / "out.tar");
        CHECK(text.size() < 1'000'000);
        bench b;
        const test::reading all = test::read_text(b, text);
        CHECK(all.message.empty());
        REQUIRE(all.entries.size() == 1);
        CHECK(all.entries[0].entry.name == "sparse");
        CHECK(all.entries[0].content == content);
    }
}

TEST_CASE("interchange: a volume that is not the first begins with what is refused")
{
    if (!is_installed("tar")) {
        MESSAGE("skipped: tar is not here");
        return;
    }
    const test::temp_dir here;
    here.write("large", text_of(test::words(60'000, 2)));
    here.write("small", "s");
    for (const char* format : {"gnu", "posix"}) {
        CAPTURE(format);
        const std::string command = "cd " + here.path() + " && rm -f *.tar && tar -M -L 40 --format="
            + std::string(format) + " -cf 1.tar -f 2.tar -f 3.tar large small </dev/null";
        REQUIRE(std::system(command.c_str()) == 0);
        bench b;
        CHECK(test::read_text(b, content_of(here / "1.tar")).ended == weir::errc::truncated);
        const test::reading second = test::read_text(b, content_of(here / "2.tar"));
        CHECK(second.message.empty());
        REQUIRE(second.entries.size() == 2);
        CHECK(second.entries[0].refused == weir::errc::unsupported_format);
        CHECK(second.entries[1].content == "s");
    }
}
