#include <weir/mapped_file.hpp>

#include "file_fixtures.hpp"

#include "support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <optional>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using test::failure_of;
using test::pattern;
using weir::mapped_file;

std::string content_of(const mapped_file& file, std::size_t at, std::size_t count)
{
    std::string out(count, '\0');
    file.copy(at, std::as_writable_bytes(std::span(out)));
    return out;
}

TEST_CASE("mapped_file: gives the whole file, or a window that need not be aligned")
{
    weir::install_mapping_guard();
    test::temp_dir dir;
    const std::string text = pattern(100'000);
    const std::string path = dir.write("file", text);
    for (const bool populate : {false, true}) {
        for (const auto advice : {weir::map_advice::normal, weir::map_advice::sequential, weir::map_advice::random}) {
            const auto whole = mapped_file::open(path, {.populate = populate, .advice = advice, .direct_access = true});
            CHECK(whole.size() == text.size());
            CHECK(std::memcmp(whole.view().data(), text.data(), text.size()) == 0);
            CHECK(content_of(whole, 99'990, 10) == text.substr(99'990));
        }
    }
    const auto window = mapped_file::open(path, {.offset = 5001, .length = 9000, .direct_access = true});
    CHECK(window.size() == 9000);
    CHECK(std::memcmp(window.view(100, 8900).data(), text.data() + 5101, 8900) == 0);
    CHECK(content_of(window, 8999, 1) == text.substr(14'000, 1));
    CHECK(mapped_file::open(path, {.offset = 99'000, .length = 9000}).size() == 1000);
}

TEST_CASE("mapped_file: what is outside of the window is an error")
{
    test::temp_dir dir;
    const std::string path = dir.write("file", pattern(1000));
    const auto file = mapped_file::open(path, {.offset = 10, .length = 100});
    CHECK(failure_of([&] { content_of(file, 1, 100); }) == weir::errc::invalid_size);
    CHECK(failure_of([&] { content_of(file, SIZE_MAX, 2); }) == weir::errc::invalid_size);
    CHECK(failure_of([&] { (void)file.view(101, 0); }) == weir::errc::invalid_size);
    CHECK(failure_of([&] { (void)mapped_file::open(path, {.offset = 1001}); }) == weir::errc::invalid_size);
    CHECK(failure_of([&] { (void)mapped_file::open(dir / "missing"); }) == std::errc::no_such_file_or_directory);
    CHECK(failure_of([&] { (void)file.view(); }) == weir::errc::backend_unavailable);
}

TEST_CASE("mapped_file: an empty file is an empty window")
{
    test::temp_dir dir;
    const auto file = mapped_file::open(dir.write("file", ""), {.populate = true});
    CHECK(file.empty());
    CHECK(file.view().empty());
    CHECK(file.valid());
}

TEST_CASE("mapped_file: a copy of what was truncated is an error")
{
    test::temp_dir dir;
    const std::string path = dir.write("file", pattern(50'000));
    const auto file = mapped_file::open(path);
    std::filesystem::resize_file(path, 20'000);
    CHECK(content_of(file, 0, 20'000) == pattern(20'000));
    CHECK(failure_of([&] { content_of(file, 15'000, 10'000); }) == weir::errc::mapping_broken);
    CHECK(failure_of([&] { file.verify(); }) == weir::errc::mapping_broken);
}

TEST_CASE("mapped_file: a view of what was truncated shows zeros and is broken for ever")
{
    weir::install_mapping_guard();
    test::temp_dir dir;
    const std::string path = dir.write("file", pattern(50'000));
    const auto file = mapped_file::open(path, {.direct_access = true});
    const auto other = mapped_file::open(dir.write("other", pattern(10)), {.direct_access = true});
    std::filesystem::resize_file(path, 4096);
    const auto seen = file.view();
    CHECK(std::all_of(seen.begin() + 4096, seen.end(), [](std::byte b) { return b == std::byte(0); }));
    CHECK(std::memcmp(seen.data(), pattern(4096).data(), 4096) == 0);
    CHECK_FALSE(file.valid());
    std::filesystem::resize_file(path, 50'000);
    CHECK_FALSE(file.valid());
    CHECK(other.valid());
}

TEST_CASE("mapped_file: truncation within the last page, which raises nothing, is seen too")
{
    weir::install_mapping_guard();
    test::temp_dir dir;
    const std::string path = dir.write("file", pattern(4000));
    const auto file = mapped_file::open(path, {.direct_access = true});
    CHECK(file.valid());
    std::filesystem::resize_file(path, 3999);
    CHECK_FALSE(file.valid());
}

TEST_CASE("mapped_file: a moved map goes on, the file stays open while it is unlinked")
{
    weir::install_mapping_guard();
    test::temp_dir dir;
    const std::string path = dir.write("file", pattern(9000));
    std::optional<mapped_file> first(mapped_file::open(path, {.direct_access = true}));
    mapped_file second(std::move(*first));
    first.reset();
    std::filesystem::remove(path);
    CHECK(std::memcmp(second.view().data(), pattern(9000).data(), 9000) == 0);
    CHECK(content_of(second, 8000, 1000) == pattern(9000).substr(8000));
}

// The handler that was there before the guard needs a process of its own: the cases with skip() run in one.
int run_alone(const char* test_case)
{
    const pid_t child = ::fork();
    if (child == 0) {
        const std::string filter = std::string("--test-case=") + test_case;
        ::execl("/proc/self/exe", "test-io", "--no-skip", filter.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
}

// Touches a map that the guard does not know, of a file that was truncated.
void touch_foreign_map()
{
    const weir::file_handle file(::memfd_create("weir-test", MFD_CLOEXEC));
    REQUIRE(::ftruncate(file.descriptor(), 5000) == 0);
    void* memory = ::mmap(nullptr, 5000, PROT_READ, MAP_SHARED, file.descriptor(), 0);
    REQUIRE(::ftruncate(file.descriptor(), 0) == 0);
    [[maybe_unused]] volatile char seen = *static_cast<volatile char*>(memory);
}

sigjmp_buf after_fault;
void jump_back(int) { siglongjmp(after_fault, 1); }

TEST_CASE("guard alone: an earlier handler" * doctest::skip())
{
    std::signal(SIGBUS, jump_back);
    weir::install_mapping_guard();
    if (sigsetjmp(after_fault, 1) == 0) {
        touch_foreign_map();
        FAIL("the earlier handler was not called");
    }
}

TEST_CASE("guard alone: no earlier handler" * doctest::skip())
{
    std::signal(SIGBUS, SIG_DFL);
    weir::install_mapping_guard();
    touch_foreign_map();
}

TEST_CASE("mapped_file: a SIGBUS elsewhere goes to the handler that was there before, or ends the process")
{
    CHECK(run_alone("guard alone: an earlier handler") == 0);
    const int status = run_alone("guard alone: no earlier handler");
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGBUS);
}

} // namespace
