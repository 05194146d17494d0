// Streams go both ways between weir and the codecs' own tools.

#include "coding.hpp"

#include "support/files.hpp"
#include "support/sanitized.hpp"
#include "support/temp_dir.hpp"

#include <weir/parallel_encoding.hpp>

#include <doctest/doctest.h>

#include <cstdlib>

using test::is_installed;
using weir::codec;

namespace {

struct tool {
    codec which;
    std::string name;
    std::string encode; ///< reads standard input, writes standard output
    std::string decode;
};

/// A call of one of Python's modules.
std::string python(const std::string& module, const std::string& function)
{
    return "python3 -c 'import sys, " + module + "; sys.stdout.buffer.write(" + module + "." + function
        + "(sys.stdin.buffer.read()))'";
}

const tool tools[] = {
    {codec::zstd, "zstd", "zstd -q -c", "zstd -q -d -c"},
    {codec::zstd, "zstd", "zstd -q -c --long=27 -12", "zstd -q -d -c"},
    {codec::lz4, "lz4", "lz4 -q -c", "lz4 -q -d -c"},
    {codec::lz4, "lz4", "lz4 -q -c -9 -B7 -BD", "lz4 -q -d -c"},
    {codec::gzip, "gzip", "gzip -n -c", "gzip -d -c"},
    {codec::xz, "xz", "xz -c -T1", "xz -d -c"},
    {codec::xz, "xz", "xz -c -T2 --block-size=100000 -C sha256", "xz -d -c"},
    {codec::lzma, "xz", "xz -c --format=lzma", "xz -d -c --format=lzma"},
    {codec::gzip, "python3", python("gzip", "compress"), python("gzip", "decompress")},
    {codec::zlib, "python3", python("zlib", "compress"), python("zlib", "decompress")},
};

test::byte_vector through(const std::string& command, const test::byte_vector& input)
{
    const test::temp_dir here;
    const std::string from = here.write("in", {reinterpret_cast<const char*>(input.data()), input.size()});
    const std::string to = here / "out";
    REQUIRE(std::system((command + " <" + from + " >" + to).c_str()) == 0);
    return test::bytes_of(test::content_of(to));
}

} // namespace

TEST_CASE("interchange: the tools read what weir writes, and weir reads what they write")
{
    for (const tool& each : tools) {
        if (!weir::is_built_in(each.which) || !is_installed(each.name)) {
            MESSAGE("skipped: " << each.name << " is not here, or its codec not built in");
            continue;
        }
        CAPTURE(each.encode);
        for (const std::size_t size : {200'000, 0, 1000}) {
            if (test::is_sanitized && size != 200'000) // each call copies the pages of the process
                continue;
            const test::byte_vector content = test::words(size, size);
            CHECK(through(each.decode, test::encoded(each.which, content)) == content);
            const test::cuts pieces{[] { return std::size_t{999}; }};
            CHECK(through(each.decode, test::encoded(each.which, content, {}, pieces)) == content);
            const test::byte_vector theirs = through(each.encode, content);
            CHECK(test::decoded(each.which, theirs) == content);
            CHECK(test::decoded(each.which, theirs, {}, {[] { return std::size_t{99}; }}) == content);
        }
    }
}

namespace {

/// Of tools that list files, and no standard input.
std::string listing(const std::string& command)
{
    return "sh -c 'file=$(mktemp); cat >$file; " + command + " $file; rm $file'";
}

} // namespace

TEST_CASE("interchange: the tools read what several threads have encoded")
{
    const weir::parallel_options options{.threads = 3, .piece_bytes = std::size_t{64} << 10};
    for (const tool& each : tools) {
        if (!weir::is_built_in(each.which) || !is_installed(each.name) || each.which == codec::lzma)
            continue;
        CAPTURE(each.decode);
        for (const std::size_t size : {300'000, 0, 65'536}) {
            if (test::is_sanitized && size != 300'000)
                continue;
            const test::byte_vector content = test::words(size, size);
            test::byte_vector stream;
            weir::encode_parallel(each.which, {}, options, content, [&](test::byte_span bytes) {
                stream.insert(stream.end(), bytes.begin(), bytes.end());
            });
            CHECK(through(each.decode, stream) == content);
        }
    }
}

TEST_CASE("interchange: blocks of xz and frames of zstd say how large they are")
{
    const test::byte_vector content = test::words(300'000, 1);
    const auto sizes = [&](codec which, const std::string& list) {
        test::byte_vector stream;
        weir::encode_parallel(which, {}, {.threads = 2, .piece_bytes = std::size_t{64} << 10}, content,
                              [&](test::byte_span bytes) { stream.insert(stream.end(), bytes.begin(), bytes.end()); });
        const test::byte_vector text = through(list, stream);
        return std::string(reinterpret_cast<const char*>(text.data()), text.size());
    };
    if (weir::is_built_in(codec::xz) && is_installed("xz")) {
        const std::string said = sizes(codec::xz, listing("xz --list --robot -vv"));
        CHECK(said.find("\nblock\t1\t5\t") != std::string::npos);
        CHECK(said.find("\tcu\t") != std::string::npos); // both sizes are in the header
    }
    if (weir::is_built_in(codec::zstd) && is_installed("zstd"))
        CHECK(sizes(codec::zstd, listing("zstd --list")).find("293") != std::string::npos);
}
