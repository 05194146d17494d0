#include "command_line.hpp"

#include "arguments.hpp"
#include "command.hpp"
#include "options.hpp"

#include <weir/error.hpp>
#include <weir/size.hpp>

#include "support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

namespace {
using namespace weir::literals;
using strings = std::vector<std::string>;

/// Parses as if typed behind the subcommand's name.
std::optional<strings> parse(const tool::command_line& line, strings arguments)
{
    arguments.insert(arguments.begin(), "test");
    std::vector<char*> pointers;
    for (std::string& argument : arguments)
        pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    return line.parse(static_cast<int>(arguments.size()), pointers.data());
}

/// The settings of a command line.
tool::settings settings_of(const strings& arguments)
{
    tool::command_line line("test", "", "", "");
    const tool::setting_options options(line);
    (void)parse(line, arguments);
    return options.resolve();
}

TEST_CASE("command line: options stand anywhere, arguments stay as typed")
{
    strings seen;
    tool::command_line line("test", "", "", "");
    line.begin_group("Options");
    line.add({"value", "V", "", [&](std::string_view text) { seen.emplace_back(text); }});
    line.add({"flag", "", "", [&](std::string_view) { seen.emplace_back("flag"); }, 'f'});
    const auto rest =
        parse(line, {"[a,b]", "--value", "1", "-", "-f", "++", "--value=", "--value=--", "--", "--value", "-f"});
    CHECK(rest == strings{"[a,b]", "-", "++", "--value", "-f"});
    CHECK(seen == strings{"1", "flag", "", "--"});
}

TEST_CASE("command line: a value that may be left out is taken only if it is one")
{
    strings seen;
    tool::command_line line("test", "", "", "");
    line.begin_group("Options");
    line.add({"digest", "NAME", "", [&](std::string_view text) { seen.emplace_back(text); }, 0,
              [](std::string_view text) { return text == "name"; }});
    CHECK(parse(line, {"--digest", "name", "--digest", "path", "--digest=other", "--digest"}) == strings{"path"});
    CHECK(seen == strings{"name", "", "other", ""});
}

TEST_CASE("command line: what is not understood is a usage error that quotes it")
{
    tool::command_line line("test", "", "", "");
    line.begin_group("Options");
    line.add({"value", "V", "", [](std::string_view) {}});
    line.add({"flag", "", "", [](std::string_view) {}});
    for (const auto& [arguments, quoted] : std::vector<std::pair<strings, std::string>>{{{"--bogus"}, "--bogus"},
                                                                                        {{"-x", "a"}, "-x"},
                                                                                        {{"a", "--value"}, "--value"},
                                                                                        {{"--flag=3"}, "--flag=3"}}) {
        try {
            (void)parse(line, arguments);
            FAIL_CHECK("accepted " << quoted);
        }
        catch (const tool::usage_error& failure) {
            CHECK(std::string(failure.what()).find("'" + quoted + "'") != std::string::npos);
        }
    }
}

TEST_CASE("command line: unknown, ambiguous, and with a value where none belongs are told apart")
{
    tool::command_line line("test", "", "", "");
    line.begin_group("Options");
    line.add({"chunk-min", "V", "", [](std::string_view) {}});
    line.add({"chunk-max", "V", "", [](std::string_view) {}});
    line.add({"flag", "", "", [](std::string_view) {}});
    const auto refusal = [&](const std::string& argument) -> std::string {
        try {
            (void)parse(line, {argument, "a"});
            return "";
        }
        catch (const tool::usage_error& failure) {
            return failure.what();
        }
    };
    CHECK(refusal("--bogus").starts_with("unknown option '--bogus'"));
    CHECK(refusal("-x").starts_with("unknown option '-x'"));
    CHECK(refusal("--chunk=3").starts_with("--chunk-min, --chunk-max begin with option '--chunk=3'"));
    CHECK(refusal("--flag=3").starts_with("no value belongs behind option '--flag=3'"));
    CHECK(refusal("--fl=3").starts_with("no value belongs behind option '--fl=3'"));
}

TEST_CASE("settings: the command line is over the file, wherever --config stands")
{
    const test::temp_dir directory;
    const std::string file = directory.write("weir.toml", "[chunking]\naverage = \"16K\"\nminimum = \"2K\"\n");
    for (const strings& arguments :
         {strings{"--config", file, "--chunk-avg", "64K"}, strings{"--chunk-avg", "64K", "--config", file}}) {
        const weir::configuration values = settings_of(arguments).configuration;
        CHECK(values.chunking.average == 64_KiB);
        CHECK(values.chunking.minimum == 2_KiB);
    }
}

TEST_CASE("settings: become the options of an ingest")
{
    const weir::ingest_options options =
        settings_of({"--chunker", "fastcdc2020", "--chunk-avg", "16K", "--seed", "0", "--hash", "sha512-256",
                     "--file-digest", "--exclude", "*.o", "--exclude", "b/**", "--direct", "--follow-links"})
            .ingest_options();
    CHECK(options.chunker.algorithm == weir::chunk_algorithm::fastcdc2020);
    CHECK(options.chunker.average == 16_KiB);
    CHECK_FALSE(options.sizes);
    CHECK(options.hash == weir::hash_algorithm::sha512_256);
    CHECK(options.file_digest == weir::hash_algorithm::sha512_256);
    CHECK(options.tree.exclude.size() == 2);
    CHECK(options.tree.exclude.at(1).pattern() == "b/**");
    CHECK(options.direct);
    CHECK(options.tree.follow_links);
    CHECK_FALSE(options.tree.one_file_system);
    CHECK(settings_of({}).ingest_options().sizes == weir::chunk_size_table());
    CHECK_FALSE(settings_of({}).ingest_options().file_digest);
}

TEST_CASE("settings: --file-digest without a name follows --hash, before or behind it")
{
    CHECK(settings_of({"--file-digest", "--hash", "xxh3-128"}).file_digest == weir::hash_algorithm::xxh3_128);
    CHECK(settings_of({"--hash", "xxh3-128", "--file-digest"}).file_digest == weir::hash_algorithm::xxh3_128);
    CHECK(settings_of({"--hash", "xxh3-128", "--file-digest", "sha256"}).file_digest == weir::hash_algorithm::sha256);
}

TEST_CASE("settings: async_io = false leaves threads where the back end is open")
{
    const test::temp_dir directory;
    const std::string file = directory.write("weir.toml", "[performance]\nasync_io = false\n");
    CHECK(settings_of({"--config", file}).ingest_options().backend == weir::backend::threads);
    CHECK(settings_of({"--config", file, "--backend", "mmap"}).ingest_options().backend == weir::backend::mmap);
    CHECK_THROWS_AS((void)settings_of({"--config", file, "--backend", "uring"}), tool::usage_error);
}

TEST_CASE("settings: sizes that do not fit name the options that set them")
{
    try {
        (void)settings_of({"--chunk-min", "128K", "--chunk-avg", "64K"});
        FAIL("accepted");
    }
    catch (const tool::usage_error& failure) {
        const std::string what = failure.what();
        CHECK(what.find("--chunk-min") != std::string::npos);
        CHECK(what.find("--chunk-avg, 64 KiB") != std::string::npos);
    }
}

TEST_CASE("settings: what is said of an option names it, and nothing that only keys have")
{
    const auto refusal = [](const strings& arguments) -> std::string {
        try {
            (void)settings_of(arguments);
            return "";
        }
        catch (const tool::usage_error& failure) {
            return failure.what();
        }
    };
    CHECK(refusal({"--chunk-avg", "8G"}) == "--chunk-avg: allowed are 256 B to 4 MiB, for fixed 64 B to 16 MiB");
    CHECK(refusal({"--chunk-avg", "8M"}) == "--chunk-avg: allowed are 256 B to 4 MiB, for fixed 64 B to 16 MiB");
    CHECK(refusal({"--memory", "1K"}) == "--memory: allowed are 1 MiB and above");
    CHECK(refusal({"--config", ""}) == "--config '': no file has this name");
}

TEST_CASE("settings: a command's own average holds where neither file nor options have one")
{
    const test::temp_dir directory;
    tool::command_line line("test", "", "", "");
    const tool::setting_options options(line, {.average = 64_KiB});
    (void)parse(line, {"--chunk-max", "128K"});
    CHECK(options.resolve().configuration.chunking.average == 64_KiB);
    CHECK_THROWS_AS((void)settings_of({"--chunk-max", "128K"}), tool::usage_error); // below averages of the table
    (void)parse(line, {"--config", directory.write("weir.toml", "[chunking]\naverage = \"16K\"\n")});
    CHECK(options.resolve().configuration.chunking.average == 16_KiB);
}

TEST_CASE("settings: a command offers what it shows, and its own average")
{
    tool::command_line line("test", "", "", "");
    const tool::setting_options options(line, {.average = 64_KiB, .file_digest = false});
    CHECK(line.help().find("(default: 64 KiB)") != std::string::npos);
    CHECK(line.help().find("--file-digest") == std::string::npos);
    CHECK_THROWS_AS((void)parse(line, {"--file-digest=sha256"}), tool::usage_error);
}

TEST_CASE("settings: options without a key are kept as typed, and a slash behind a glob means nothing")
{
    tool::command_line line("test", "", "", "");
    const tool::setting_options options(line);
    (void)parse(line, {"--jobs", "2", "--exclude", "build/", "--direct", "--hash=sha512-256"});
    CHECK(options.without_keys() == strings{"--exclude=build/", "--direct", "--hash=sha512-256"});
    CHECK(options.resolve().exclude == strings{"build"});
}

strings all_of(tool::argument_supply& supply)
{
    strings given;
    for (std::size_t before = 1; given.size() != std::exchange(before, given.size());)
        supply.next(given, 1);
    return given;
}

TEST_CASE("arguments: those at hand come together, and nobody waits for more")
{
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const weir::file_handle reader(ends[0]);
    weir::file_handle writer(ends[1]);
    const std::string_view text = "c\n\nd\ne\n\nf";
    REQUIRE(::write(writer.descriptor(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    std::vector<tool::path_list> lists;
    lists.emplace_back("/dev/fd/" + std::to_string(reader.descriptor()), '\n');
    tool::argument_supply supply({"a", "b", ""}, std::move(lists), [](auto&&...) {});
    strings given;
    supply.next(given, 1);
    CHECK(given == strings{"a"});
    supply.next(given, 10); // the list is not asked for more than is needed
    CHECK(given == strings{"a", "b"});
    supply.next(given, 2);
    CHECK(given == strings{"a", "b", "c", "d"});
    supply.next(given, 10);
    CHECK(given == strings{"a", "b", "c", "d", "e"});
    writer.close();
    supply.next(given, 10);
    CHECK(given == strings{"a", "b", "c", "d", "e", "f"});
    supply.next(given, 10);
    CHECK(given.size() == 6);
}

TEST_CASE("arguments: lists follow, empty paths are left out, what fails is refused and the rest goes on")
{
    const test::temp_dir directory;
    std::vector<tool::path_list> lists;
    lists.emplace_back(directory.write("lines", "b\n\nc d\ne"), '\n');
    lists.emplace_back(directory / "missing", '\n');
    lists.emplace_back(directory.write("nul", std::string_view("f\ng\0\0h\0", 7)), '\0');
    strings refused;
    tool::argument_supply supply({"a"}, std::move(lists), [&](std::string path, std::error_code, const std::string&) {
        refused.push_back(path);
    });
    CHECK(all_of(supply) == strings{"a", "b", "c d", "e", "f\ng", "h"});
    CHECK(refused == strings{directory / "missing"});
}

TEST_CASE("arguments: standard input has one reader")
{
    const test::temp_dir directory;
    std::vector<tool::path_list> lists;
    lists.emplace_back(directory.write("lines", "-\nb\n-\n"), '\n');
    strings refused;
    tool::argument_supply supply({"a"}, std::move(lists), [&](const std::string&, std::error_code, std::string text) {
        refused.push_back(std::move(text));
    });
    CHECK(all_of(supply) == strings{"a", "-", "b"});
    CHECK(refused == strings{"read -: standard input can be read once"});
}

TEST_CASE("arguments: a path longer than one read is whole")
{
    const test::temp_dir directory;
    const std::string path(200'000, 'p');
    tool::path_list list(directory.write("list", path + "\n\n" + path + "q\n"), '\n', path.size() + 1);
    CHECK(list.next() == path);
    CHECK(list.line() == 1);
    CHECK(list.next() == path + "q");
    CHECK(list.line() == 3);
    CHECK_FALSE(list.next());
}

TEST_CASE("arguments: a line above the limit is refused, by its number, when no more than that was read")
{
    const std::string longest(tool::path_list::longest_path, 'p');
    const test::temp_dir directory;
    tool::path_list list(directory.write("list", longest + "\n" + longest + "p\nq\n"), '\n');
    CHECK(list.next() == longest);
    try {
        (void)list.next();
        FAIL_CHECK("accepted");
    }
    catch (const weir::error& failure) {
        CHECK(failure.code() == weir::errc::bad_format);
        CHECK(std::string(failure.what()).find("line 2 is longer than 64 KiB") != std::string::npos);
    }
    tool::path_list endless("/dev/zero", '\n');
    CHECK_THROWS_AS((void)endless.next(), weir::error);
}

} // namespace
