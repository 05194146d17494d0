#include "coded_names.hpp"

#include <doctest/doctest.h>

TEST_CASE("coded names: the suffix of each codec is known, and taken off")
{
    for (const weir::codec which : weir::all_codecs()) {
        if (which == weir::codec::identity)
            continue;
        const std::string name = "folder.gz/a.b" + std::string(weir::suffix_of(which));
        CHECK(tool::codec_of_name(name) == which);
        CHECK(tool::plain_name(name) == "folder.gz/a.b");
    }
}

TEST_CASE("coded names: short names of archives become .tar")
{
    CHECK(tool::codec_of_name("a.tgz") == weir::codec::gzip);
    CHECK(tool::plain_name("a.tgz") == "a.tar");
    CHECK(tool::plain_name("a.txz") == "a.tar");
    CHECK(tool::plain_name("a.tar.zst") == "a.tar");
}

TEST_CASE("coded names: what has no name before its suffix has no suffix")
{
    for (const char* name : {"", "a", ".gz", "a/.gz", "a.gz/", "agz", "a.GZ", "a.gz.b"}) {
        CAPTURE(name);
        CHECK(!tool::codec_of_name(name));
        CHECK(!tool::plain_name(name));
    }
}
