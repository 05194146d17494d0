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

TEST_CASE("coded names: capitals are no other suffix")
{
    CHECK(tool::codec_of_name("A.GZ") == weir::codec::gzip);
    CHECK(tool::plain_name("A.Gz") == "A");
    CHECK(tool::plain_name("A.TGZ") == "A.tar");
}

TEST_CASE("coded names: names of archives are known, and no others")
{
    for (const char* name : {"a.tar", "a.zip", "a.ZIP", "a.tgz", "a.tar.zst", "a.TAR.xz", "a.tzst", "a.tar.bz2", "d/a.tar.Z"}) {
        CAPTURE(name);
        CHECK(tool::names_archive(name, 1));
    }
    for (const char* name : {"", "a", "a.gz", "tar", ".tar", ".zip", "a.tar/", "a.tar.txt", "a.zip.b", "a.tar.gz.gz"}) {
        CAPTURE(name);
        CHECK(!tool::names_archive(name, 1));
    }
    CHECK(tool::names_archive("a.tar", 0));
    CHECK(!tool::names_archive("a.tgz", 0));
    CHECK(tool::names_archive("a.tgz.xz", 2));
}

TEST_CASE("coded names: what has no name before its suffix has no suffix")
{
    for (const char* name : {"", "a", ".gz", "a/.gz", "a.gz/", "agz", ".GZ", "a.gz.b"}) {
        CAPTURE(name);
        CHECK(!tool::codec_of_name(name));
        CHECK(!tool::plain_name(name));
    }
}
