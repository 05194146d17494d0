#!/usr/bin/env python3
"""weir ls, weir cat ARCHIVE ENTRY, and weir ingest of archives: every entry is a file of its own."""

import gzip
import hashlib
import lzma
import os
import subprocess
import unittest

from archives import ARCHIVES, BUILT_IN, FILES, ArchiveTest, link, tar
from harness import lines_of, main, of_type
from servers import http_files


class Ls(ArchiveTest):
    def test_entries_are_listed_with_mode_size_time_and_name(self):
        self.assertEqual(self.output("ls", "a.tar").decode().splitlines(), [
            "drwxr-xr-x            0 1970-01-01 00:00:00 dir/",
            "-rw-r--r--            5 2020-09-13 12:26:40 a",
            "-rw-r--r--       100000 2020-09-13 12:26:40 dir/b",
            "-rw-r--r--            0 2020-09-13 12:26:40 dir/empty",
            "-rw-r--r--      3000000 2020-09-13 12:26:40 large"])

    def test_every_kind_of_archive_is_found_by_its_content(self):
        for name in self.archives:
            with self.subTest(name):
                os.rename(self.directory / name, self.directory / "x")
                lines = lines_of(self.output("ls", "--json", "x"))
                sizes = {line["name"]: line["size"] for line in lines if line["kind"] == "file"}
                self.assertEqual(sizes, {name: len(content) for name, content in FILES.items()})
                self.assertEqual({line["archive"] for line in lines}, {"x"})

    def test_links_and_what_is_refused_are_shown_for_what_they_are(self):
        self.write("odd.tar", tar(files={"../up": b"x", "/root": b"y", "\x1b[2J": b"z"}, extra=[link("l", "../../etc")]))
        shown = self.output("ls", "odd.tar").decode()
        self.assertIn(" ../up  [the name is unsafe]\n", shown)
        self.assertIn(" /root  [the name is unsafe]\n", shown)
        self.assertIn(" l -> ../../etc\n", shown)
        self.assertNotIn("\x1b", shown)
        lines = lines_of(self.output("ls", "--json", "odd.tar"))
        self.assertEqual([line.get("code") for line in lines], [None, "unsafe_name", "unsafe_name", None, None])
        self.assertEqual((lines[-1]["kind"], lines[-1]["target"]), ("symbolic_link", "../../etc"))

    def test_a_stream_and_a_pipe_are_listed_like_a_file(self):
        for name in self.archives:
            with self.subTest(name):
                lines = lines_of(self.output("ls", "--json", "-", stdin=(self.directory / name).read_bytes()))
                self.assertLessEqual(set(FILES), {line["name"] for line in lines})

    def test_a_mode_is_told_where_one_is_known(self):
        self.assertEqual({line.get("mode") for line in lines_of(self.output("ls", "--json", "a.tar"))}, {"0644", "0755"})
        if "a.zip" in self.archives:
            lines = lines_of(self.output("ls", "--json", "-", stdin=ARCHIVES["a.zip"]))
            self.assertEqual({"mode" in line for line in lines}, {False})

    def test_what_is_no_archive_or_broken_fails_and_the_rest_is_listed(self):
        self.write("text", b"no archive\n" * 100)
        self.write("half.tar", tar()[:50_000])
        result = self.weir("ls", "text", "missing", "half.tar", "a.tar")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"a.tar:\n", result.stdout)
        said = result.stderr.decode().splitlines()
        self.assertEqual(len(said), 3)
        self.assertIn("no known archive begins so", said[0])
        self.assertIn("missing", said[1])
        self.assertIn("half.tar", said[2])
        self.output("ls", code=2, reason="ls needs an archive")

    @unittest.skipUnless({"gzip", "xz"} <= set(BUILT_IN), "gzip and xz are not built in")
    def test_how_often_an_archive_may_be_compressed_is_a_limit(self):
        self.write("a.tar.gz.xz", lzma.compress(ARCHIVES["a.tgz"]))
        self.output("ls", "a.tar.gz.xz", code=1, reason="a.tar.gz.xz at 0: a limit is exceeded .the compressions around")
        self.output("ls", "--nesting-limit=0", "a.tgz", code=1, reason="a.tgz at 0: a limit is exceeded .the compressions")
        self.output("ls", "--nesting-limit=17", "a.tgz", code=2, reason="nesting-limit")
        for limit in "2", "16", "none":
            self.assertIn(b" large\n", self.output("ls", "--nesting-limit", limit, "a.tar.gz.xz"))
        self.assertEqual(self.output("cat", "--nesting-limit=2", "a.tar.gz.xz", "dir/b"), FILES["dir/b"])
        self.assertEqual(len(of_type(self.ingest("a.tar.gz.xz"), "file")), 1)
        self.assertEqual(len(of_type(self.ingest("--nesting-limit=2", "a.tar.gz.xz"), "file")), len(FILES))

    def test_a_part_of_an_archive_behind_a_url_is_none(self):
        port = self.enterContext(http_files(self.directory))
        url = f"http://127.0.0.1:{port}/a.tar"
        part = ["-H", "Range: bytes=0-9999"]
        self.output("ls", *part, url, code=2, reason="ls does not go together with a Range")
        self.output("cat", *part, url, "a", code=2, reason="does not go together with a Range")
        self.output("ingest", "--archives=named", *part, url, code=2, reason="--archives does not go together with a Range")
        self.assertEqual([line["path"] for line in of_type(self.ingest(*part, url), "file")], [url])

    def test_limits_end_what_has_too_many_entries(self):
        self.output("ls", "--entries-limit", "2", "a.tar", code=1, reason="a.tar.*limit")
        shown = self.output("ls", "--entry-limit", "1M", "a.tar").decode()
        self.assertIn(" large  [a limit is exceeded]\n", shown)


class Cat(ArchiveTest):
    def test_entries_are_copied(self):
        for name in self.archives:
            with self.subTest(name):
                self.assertEqual(self.output("cat", name, "large"), FILES["large"])
                self.assertEqual(self.output("cat", name, "dir/b", "a", "dir/empty"), FILES["a"] + FILES["dir/b"])

    def test_many_names_are_looked_for_at_once(self):
        files = {str(number): b"%d\n" % number for number in range(2_000)}
        self.write("many.tar", tar(files=files))
        names = list(files)[::2]
        self.assertEqual(self.output("cat", "many.tar", *reversed(names)), b"".join(files[name] for name in names))
        self.output("cat", "many.tar", "./x", "1", "y", code=1, reason=r"many.tar/./x: no such entry .and 1 more")

    def test_names_may_stand_with_a_dot_before_them(self):
        self.write("dot.tar", tar(files={"./x": b"dotted"}))
        self.assertEqual(self.output("cat", "dot.tar", "x"), b"dotted")
        self.assertEqual(self.output("cat", "a.tar", "./a"), b"first")

    def test_a_file_of_the_same_name_does_not_matter(self):
        self.write("a", b"another")
        self.assertEqual(self.output("cat", "a.tar", "a"), b"first")
        self.assertEqual(self.output("cat", "--archives", "none", "a.tar", "a"), tar() + b"another")

    @unittest.skipUnless("gzip" in BUILT_IN, "gzip is not built in")
    def test_a_zip_archive_behind_a_program_is_an_archive(self):
        program = b"#!/bin/sh\nexit 1\n" * 20_000
        self.write("setup", program + ARCHIVES["a.zip"])
        self.assertEqual(self.output("cat", "setup", "dir/b", "a"), FILES["a"] + FILES["dir/b"])
        self.assertIn(b" large\n", self.output("ls", "setup"))
        self.assertEqual(self.output("cat", "setup"), program + ARCHIVES["a.zip"])
        self.write("text", b"text")
        self.write("other", program + ARCHIVES["a.zip"] + b"?")  # which is the end of none
        self.assertEqual(self.output("cat", "other", "text"), program + ARCHIVES["a.zip"] + b"?text")
        self.assertEqual(self.output("cat", "--archives=none", "setup", "text"), program + ARCHIVES["a.zip"] + b"text")

    def test_what_should_be_an_archive_and_is_none_is_an_error_and_no_file_is_copied(self):
        self.write("a", b"LOCAL")
        self.write("empty.tar.gz", b"")
        self.write("text.zip", b"text")
        self.write("short.tar", tar()[:200])
        names = ["empty.tar.gz", "text.zip", "short.tar"]
        if "gzip" in BUILT_IN:
            self.write("cut.tgz", ARCHIVES["a.tgz"][:60])
            self.write("cut", ARCHIVES["a.tgz"][:60])
            self.write("twice", gzip.compress(ARCHIVES["a.tgz"]))
            self.write("cut.zip", ARCHIVES["a.zip"][:60])
            damaged = bytearray(ARCHIVES["a.tgz"])
            damaged[10:40] = bytes(range(200, 230))
            self.write("damaged", damaged)
            names += ["cut.tgz", "cut", "twice", "cut.zip", "damaged"]
        for name in names:
            with self.subTest(name):
                self.assertEqual(self.output("cat", name, "a", code=1, reason=name), b"")
                self.assertEqual(self.output("cat", "--archives=none", name, "a"), (self.directory / name).read_bytes() + b"LOCAL")
                self.assertEqual(self.weir("ls", name).returncode, 1)

    def test_files_are_still_joined(self):
        self.write("a", b"x^2 begins as zlib does, ")
        self.write("b.md5", b"and more")
        self.assertEqual(self.output("cat", "a", "b.md5"), b"x^2 begins as zlib does, and more")
        if "gzip" in BUILT_IN:
            self.write("1.gz", gzip.compress(b"one"))
            self.write("2.gz", gzip.compress(b"two"))
            self.assertEqual(self.output("cat", "--decompress", "1.gz", "2.gz"), b"onetwo")
            both = self.output("cat", "1.gz", "2.gz")
            self.assertEqual(gzip.decompress(both), b"onetwo")
            self.write("formula.gz", gzip.compress(b"x^2 begins as zlib does"))
            both = self.output("cat", "formula.gz", "2.gz")
            self.assertEqual(gzip.decompress(both), b"x^2 begins as zlib doestwo")

    def test_an_archive_alone_is_a_file(self):
        self.assertEqual(self.output("cat", "a.tar"), tar())

    def test_what_is_not_there_or_no_file_is_said(self):
        self.write("l.tar", tar(extra=[link("l", "a")]))
        self.output("cat", "a.tar", "nope", code=1, reason="a.tar/nope: no such entry")
        self.output("cat", "l.tar", "l", code=1, reason="links are not followed")
        self.output("cat", "l.tar", "dir", code=1, reason="it is no file")

    def test_a_fifo_before_another_name_is_read_once(self):
        self.write("other", b"behind")
        os.mkfifo(self.directory / "fifo")
        with subprocess.Popen(["sh", "-c", "echo first > fifo"], cwd=self.directory):
            self.assertEqual(self.output("cat", "fifo", "other"), b"first\nbehind")

    def test_an_unsafe_name_is_just_a_name_where_nothing_is_written(self):
        self.write("up.tar", tar(files={"../up": b"x"}))
        self.assertEqual(self.output("cat", "up.tar", "../up"), b"x")

    @unittest.skipUnless("gzip" in BUILT_IN, "gzip is not built in")
    def test_an_entry_that_is_compressed_is_decoded_if_asked_for(self):
        self.write("x.tar", tar(files={"a.gz": gzip.compress(b"content")}))
        self.assertEqual(self.output("cat", "--decompress", "x.tar", "a.gz"), b"content")
        self.assertEqual(gzip.decompress(self.output("cat", "x.tar", "a.gz")), b"content")

    def test_entries_of_a_url_come_as_it_does(self):
        port = self.enterContext(http_files(self.directory))
        for name in self.archives:
            with self.subTest(name):
                self.assertEqual(self.output("cat", f"http://127.0.0.1:{port}/{name}", "dir/b"), FILES["dir/b"])
        said = self.weir("cat", f"http://bob:sekret@127.0.0.1:{port}/a.tar", "x", "y").stderr.decode()
        self.assertIn("/a.tar/x: no such entry (and 1 more)", said)
        self.assertNotIn("sekret", said)


class Ingest(ArchiveTest):
    def files(self, lines):
        return {line["path"]: (line["size"], line["sha256"]) for line in of_type(lines, "file")}

    def wanted(self, prefix):
        return {f"{prefix}/{name}": (len(content), hashlib.sha256(content).hexdigest()) for name, content in FILES.items()}

    def test_an_archive_that_is_named_is_read_by_its_entries(self):
        for name in self.archives:
            with self.subTest(name):
                lines = self.ingest("--file-digest=sha256", name)
                self.assertEqual(self.files(lines), self.wanted(name))

    def test_archives_in_a_tree_are_files_unless_all_are_asked_for(self):
        self.write("t/a.tar", tar())
        self.write("t/plain", b"plain")
        self.assertEqual(set(self.files(self.ingest("--file-digest=sha256", "t"))), {"t/a.tar", "t/plain"})
        lines = self.ingest("--file-digest=sha256", "--archives", "all", "t")
        self.assertEqual(set(self.files(lines)), set(self.wanted("t/a.tar")) | {"t/plain"})
        lines = self.ingest("--file-digest=sha256", "--archives", "none", "a.tar")
        self.assertEqual(set(self.files(lines)), {"a.tar"})

    def test_links_are_skipped_and_what_is_refused_is_an_error_of_its_path(self):
        self.write("odd.tar", tar(files={"good": b"x", "../up": b"y"}, extra=[link("l", "good")]))
        lines = self.ingest("odd.tar", code=1)
        self.assertEqual([(line["path"], line["code"]) for line in of_type(lines, "error")], [("odd.tar/../up", "unsafe_name")])
        self.assertEqual((lines[-1]["files"], lines[-1]["skipped"]), (1, 1))
        lines = self.ingest("--entry-limit", "1M", "a.tar", code=1)
        self.assertEqual([(line["path"], line["code"]) for line in of_type(lines, "error")], [("a.tar/large", "limit_exceeded")])

    @unittest.skipUnless("gzip" in BUILT_IN, "gzip is not built in")
    def test_what_is_named_as_an_archive_and_cannot_be_decoded_is_an_error(self):
        self.write("a.tar.gz", ARCHIVES["a.tgz"][:60])
        self.write("twice.tgz", gzip.compress(ARCHIVES["a.tgz"]))
        self.write("empty.TGZ", b"")
        self.write("plain.gz", ARCHIVES["a.tgz"][:60])
        self.write("text.tar.gz", gzip.compress(b"text"))
        port = self.enterContext(http_files(self.directory))
        for at in ("", f"http://127.0.0.1:{port}/"):
            for name, code in (("a.tar.gz", "truncated"), ("twice.tgz", "limit_exceeded"), ("empty.TGZ", "bad_format")):
                for archives in "named", "all":
                    with self.subTest(f"{at}{name} {archives}"):
                        lines = self.ingest(f"--archives={archives}", at + name, code=1)
                        self.assertEqual([(line["path"], line["code"]) for line in of_type(lines, "error")], [(at + name, code)])
                        self.assertEqual(of_type(lines, "file"), [])
                self.assertEqual(len(of_type(self.ingest("--archives=none", at + name), "file")), 1)
            for name in "plain.gz", "text.tar.gz":
                self.check_content(self.ingest(at + name), at + name, (self.directory / name).read_bytes())
        result = self.weir("diff", "a.tar", "a.tar.gz")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"a.tar.gz", result.stderr)

    @unittest.skipUnless("gzip" in BUILT_IN, "gzip is not built in")
    def test_an_error_of_an_entry_names_it_also_where_its_archive_cannot_be_decoded(self):
        self.write("cut.tgz", ARCHIVES["a.tgz"][:-1_000_000])
        for command in (["ingest", "cut.tgz"], ["diff", "a.tar", "cut.tgz"]):
            said = self.weir(*command).stderr.decode().splitlines()
            self.assertEqual(len(said), 2)
            self.assertRegex(said[0], r"\Aweir: cut.tgz/large: decode cut.tgz at \d+: the data is truncated")
            self.assertRegex(said[1], r"\Aweir: decode cut.tgz at \d+: the data is truncated")

    def test_equal_entries_of_different_archives_are_found(self):
        lines = self.ingest(*self.archives)
        self.assertEqual(lines[-1]["unique_bytes"], sum(map(len, FILES.values())))


    def test_an_archive_of_nothing_has_no_file(self):
        empty = {"e.tar": bytes(10_240), "large.tar": bytes(1 << 20)}
        if "gzip" in BUILT_IN:
            empty |= {name + ".gz": gzip.compress(content) for name, content in empty.items()}
        for name, content in empty.items():
            with self.subTest(name):
                self.write(name, content)
                self.assertEqual(self.output("ls", name), b"")
                self.assertEqual(self.ingest(name)[-1]["files"], 0)
                self.assertEqual(self.ingest("--archives=all", "-", stdin=content)[-1]["files"], 0)
                os.makedirs(self.directory / "nothing", exist_ok=True)
                self.assertEqual(lines_of(self.output("diff", "--json", "nothing", name))[:-1], [])
                self.write("zeros", content)
                self.check_content(self.ingest("zeros"), "zeros", content)


class FarContent(ArchiveTest):
    """Archives in streams that show nothing of their content at first."""

    def setUp(self):
        super().setUp()
        self.packed = {}
        if "gzip" in BUILT_IN:
            comment = b"\x1f\x8b\x08\x10\0\0\0\0\0\x03" + b"c" * 300_000 + b"\0"
            self.packed |= {"comment": comment + gzip.compress(tar())[10:], "members": gzip.compress(b"") * 20_000 + gzip.compress(tar())}
        if "xz" in BUILT_IN:
            self.packed["streams"] = lzma.compress(b"") * 10_000 + lzma.compress(tar())
        for codec in {"lz4", "zstd"} & set(BUILT_IN):
            packed = self.output("compress", "--codec", codec, stdin=tar())
            self.packed[codec] = packed
            if codec == "zstd":
                self.packed["skipped"] = b"\x50\x2a\x4d\x18" + (300_000).to_bytes(4, "little") + bytes(300_000) + packed
        for name, content in self.packed.items():
            self.write(f"t/{name}", content)

    def names(self, *arguments, **options):
        return {line["path"] for line in of_type(self.ingest(*arguments, **options), "file")}

    def test_they_are_read_by_their_entries_wherever_they_come_from(self):
        url = f"http://127.0.0.1:{self.enterContext(http_files(self.directory))}/t/"
        for name, content in self.packed.items():
            with self.subTest(name):
                for at in f"t/{name}", url + name:
                    self.assertEqual(self.names(at), {f"{at}/{entry}" for entry in FILES})
                self.assertEqual(self.names("--archives=all", "-", stdin=content), {f"-/{entry}" for entry in FILES})
                changes = lines_of(self.output("diff", "--json", "a.tar", f"t/{name}"))[:-1]
                self.assertEqual({line["path"]: line["change"] for line in changes}, dict.fromkeys(FILES, "identical"))
        self.assertEqual(self.names("--archives=all", "t"), {f"t/{name}/{entry}" for name in self.packed for entry in FILES})

    @unittest.skipUnless("lz4" in BUILT_IN, "lz4 is not built in")
    def test_one_that_is_cut_off_in_its_first_block_is_an_error(self):
        lines = self.ingest("--archives=all", "-", stdin=self.packed["lz4"][:1_000_000], code=1)
        self.assertEqual([(line["path"], line["code"]) for line in of_type(lines, "error")], [("-", "truncated")])


class Diff(ArchiveTest):
    def changes(self, *arguments, code=0, **options):
        lines = lines_of(self.output("diff", "--json", *arguments, code=code, **options))
        self.sums = lines[-1]
        return {line["path"]: line["change"] for line in of_type(lines, "path")}

    def test_archives_are_compared_by_their_entries_whatever_they_are_packed_in(self):
        same = {name: "identical" for name in FILES}
        for name in self.archives:
            with self.subTest(name):
                self.assertEqual(self.changes("a.tar", name), same)
                self.assertEqual((self.sums["only_a_bytes"], self.sums["only_b_bytes"]), (0, 0))
        self.write("b.tar", tar(files={"a": b"first", "large": FILES["large"] + b"more", "new": b"n"}))
        self.assertEqual(self.changes("a.tar", "b.tar"), {"a": "identical", "dir/b": "removed", "dir/empty": "removed",
                                                          "large": "changed", "new": "added"})

    def test_an_archive_and_a_tree_are_compared(self):
        for name, content in FILES.items():
            self.write(f"t/{name}", content)
        self.write("t/dir/b", b"changed")
        for name in self.archives:
            with self.subTest(name):
                self.assertEqual(self.changes(name, "t"), {key: "changed" if key == "dir/b" else "identical" for key in FILES})

    def test_archives_are_files_if_that_is_asked_for(self):
        self.assertEqual(self.changes("--archives=none", "a.tar", "a.tar"), {"a.tar": "identical"})
        self.assertEqual(self.sums["bytes_a"], len(ARCHIVES["a.tar"]))

    def test_standard_input_is_one_stream_unless_all_are_asked_for(self):
        self.assertEqual(self.changes("a.tar", "-", stdin=ARCHIVES["a.tar"])["-"], "added")
        self.assertEqual(set(self.changes("--archives=all", "a.tar", "-", stdin=ARCHIVES["a.tar"]).values()), {"identical"})

    def test_nothing_is_compared_with_an_archive_that_breaks_off(self):
        self.write("half.tar", ARCHIVES["a.tar"][:-1_000_000])
        result = self.weir("diff", "--json", "a.tar", "half.tar")
        self.assertEqual((result.returncode, result.stderr), (1, b""))
        self.assertEqual([(line["path"], line["code"]) for line in lines_of(result.stdout)],
                         [("half.tar/large", "truncated"), ("half.tar", "truncated")])

    def test_limits_hold(self):
        result = self.weir("diff", "--entry-limit=1M", "a.tar", "a.tar")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr.count(b"a.tar/large"), 2)


if __name__ == "__main__":
    main()
