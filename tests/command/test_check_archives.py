#!/usr/bin/env python3
"""weir check of what lies in other files: entries of archives, contents of what is compressed."""

import gzip
import io
import json
import os
import random
import shutil
import subprocess
import tarfile
import unittest
import warnings
import zipfile

from archives import ARCHIVES, BUILT_IN, FILES, ArchiveTest, link, tar, zipped
from harness import main, noise, of_type, with_sums
from servers import http_files

TAR, ZIP, BSDTAR = (shutil.which(tool) for tool in ("tar", "zip", "bsdtar"))


def shuffled(text, seed=1):
    """The list with its files in another order, each of them whole; the summary stays behind them."""
    groups = {}
    for line in text.splitlines(True):
        groups.setdefault(json.loads(line).get("path", ""), []).append(line)
    end = groups.pop("")
    order = list(groups.values())
    random.Random(seed).shuffle(order)
    return b"".join(line for group in [*order, end] for line in group)


class CheckTest(ArchiveTest):
    def list(self, *arguments, stdin=b"", code=0):
        result = self.weir("ingest", "--json", *arguments, stdin=stdin)
        self.assertEqual(result.returncode, code, result.stderr)
        self.write("list", result.stdout)
        return result.stdout

    def check(self, *arguments, code, stdin=b""):
        """What is said of each path, but for the sums."""
        result = self.weir("check", *arguments, "list", stdin=stdin)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        lines = result.stdout.decode().splitlines()
        said = dict(line.split(": ", 1) for line in lines[:-1])
        self.assertEqual(len(said), len(lines) - 1, "a path has two verdicts")
        failed = [text for text in said.values() if text != "OK"]
        self.assertIn(f": {len(said) - len(failed)} OK, {len(failed)} FAILED", lines[-1])
        return said

    def assert_fails(self, path, why, *arguments, stdin=b""):
        """That this is the one which fails."""
        said = self.check(*arguments, code=1, stdin=stdin)
        self.assertRegex(said.pop(path), rf"^FAILED \(.*{why}.*\)$")
        self.assertEqual(set(said.values()) - {"OK"}, set())


class Entries(CheckTest):
    def test_every_kind_of_archive_is_as_listed_whatever_the_order(self):
        wanted = {f"{archive}/{name}": "OK" for archive in self.archives for name in FILES}
        for settings in ((), ("--chunk-avg=1K", "--hash=xxh3-128"), ("--file-digest=sha512-256",)):
            with self.subTest(settings):
                text = self.list(*settings, *self.archives)
                self.assertEqual(self.check(code=0), wanted)
                self.write("list", shuffled(text))
                self.assertEqual(self.check(code=0), wanted)

    def test_a_name_cannot_say_that_another_file_is_as_listed(self):
        archive = "tree/a\nphotos/a.jpg: OK\nb.tar"
        self.write(archive, tar())
        self.list("--archives=all", "tree")
        os.remove(os.path.join(self.directory, archive))
        result = self.weir("check", "list")
        self.assertEqual(result.returncode, 1)
        self.assertNotIn(b"photos/a.jpg: OK", result.stdout.splitlines())

    def test_lines_of_one_file_agree_about_what_it_lies_in(self):
        name = next(iter(self.archives))
        lines = [json.loads(line) for line in self.list(name).splitlines()]
        for kind, other in (("file", "chunk"), ("chunk", "file")):
            with self.subTest(kind):
                changed = [{k: v for k, v in line.items() if k != "archive" or line["type"] == other} for line in lines]
                self.write("list", "".join(json.dumps(line) + "\n" for line in changed).encode())
                result = self.weir("check", "list")
                self.assertEqual(result.returncode, 1)
                for line in result.stdout.decode().splitlines()[:-1]:
                    if line.endswith(": OK"):
                        path = line[: -len(": OK")]
                        self.assertFalse([each for each in lines if each.get("path") == path and each["type"] == "chunk"], line)

    def test_quiet_says_nothing_where_all_is_as_listed(self):
        self.list(*self.archives)
        result = self.weir("check", "--quiet", "list")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b"", b""))

    def test_archives_in_trees_beside_other_files(self):
        for name in self.archives:
            self.write(f"t/{name}", ARCHIVES[name])
        self.write("t/plain", noise(300_000))
        text = self.list("--archives=all", "t")
        self.write("list", shuffled(text))
        self.assertEqual(len(self.check(code=0)), len(self.archives) * len(FILES) + 1)
        self.write("t/plain", noise(300_000, 2))
        self.assert_fails("t/plain", "differs in")

    def test_an_entry_that_has_changed_is_the_one_that_fails(self):
        self.list("--file-digest", "a.tar")
        for content, why in ((noise(100_000, 9), "differs in the 97.7 KiB at offset 0"),
                             (noise(100_001, 2), "has 100001 bytes, and 100000 in the list"), (b"", "has 0 bytes")):
            with self.subTest(why):
                self.write("a.tar", tar(files={**FILES, "dir/b": content}))
                self.assert_fails("a.tar/dir/b", why)

    @unittest.skipUnless("gzip" in BUILT_IN, "gzip is not built in")
    def test_an_entry_of_a_zip_archive_that_has_changed_fails_too(self):
        self.list("a.zip")
        self.write("a.zip", zipped(files={**FILES, "large": noise(3_000_000, 4)}))
        self.assert_fails("a.zip/large", "differs in the .* at offset 0")
        whole = bytearray(ARCHIVES["a.zip"])
        whole[-2_000_000] ^= 1  # in "large", the last
        self.write("a.zip", whole)
        self.assert_fails("a.zip/large", "")

    def test_one_that_is_missing_is_no_such_entry(self):
        for name, make in (("a.tar", tar), *((("a.zip", zipped),) if "a.zip" in ARCHIVES else ())):
            self.list(name)
            self.write(name, make(files={key: FILES[key] for key in FILES if key != "dir/b"}))
            self.assert_fails(f"{name}/dir/b", "no such entry")

    def test_one_that_is_no_file_any_more_is_said_to_be_none(self):
        self.list("a.tar")
        self.write("a.tar", tar(files={key: FILES[key] for key in FILES if key != "a"}, extra=[link("a", "large")]))
        self.assert_fails("a.tar/a", "is no file in the archive")

    def test_an_archive_that_is_gone_or_none_fails_for_all_its_entries(self):
        self.list(*self.archives)
        os.remove(self.directory / "a.tar")
        said = self.check(code=1)
        self.assertEqual({said[f"a.tar/{name}"] for name in FILES}, {"FAILED (open a.tar: no such file or directory)"})
        self.assertEqual({said[path] for path in said if not path.startswith("a.tar/")} - {"OK"}, set())
        self.write("a.tar", b"no archive " * 1000)
        said = self.check(code=1)
        for name in FILES:
            self.assertIn("no known archive begins so", said[f"a.tar/{name}"])
        os.remove(self.directory / "a.tar")
        os.mkfifo(self.directory / "a.tar")
        self.assertIn("it is no regular file", self.check(code=1)["a.tar/a"])

    def test_damage_fails_what_it_hits_and_nothing_in_front_of_it(self):
        for name, content in ARCHIVES.items():
            with self.subTest(name):
                self.list(name)
                self.write(name, content[:-1_000_000])
                said = self.check(code=1)
                self.assertTrue(said.pop(f"{name}/large").startswith("FAILED"))
                if name != "a.zip":  # which has no directory then
                    self.assertEqual(set(said.values()), {"OK"})
                else:
                    self.assertIn("no end of a zip archive", said["a.zip/a"])

    def test_a_header_that_is_damaged_fails_all_behind_it(self):
        self.list("a.tar")
        whole = bytearray(ARCHIVES["a.tar"])
        whole[whole.index(b"dir/empty") + 150] ^= 1
        self.write("a.tar", whole)
        said = self.check(code=1)
        self.assertEqual((said["a.tar/a"], said["a.tar/dir/b"]), ("OK", "OK"))
        for name in ("dir/empty", "large"):
            self.assertRegex(said[f"a.tar/{name}"], r"^FAILED \(.*a\.tar at \d+: .*checksum.*\)$")

    def test_what_is_not_listed_does_not_matter(self):
        text = self.list("a.tar")
        self.write("list", with_sums([line for line in text.splitlines(True) if b"a.tar/large" not in line]))
        self.write("a.tar", tar(files={"new": b"n", **{key: FILES[key] for key in FILES if key != "large"}}))
        self.assertEqual(len(self.check(code=0)), 3)
        self.write("a.tar", ARCHIVES["a.tar"][:110_000])  # it ends in "large", which is not listed
        self.assertEqual(len(self.check(code=0)), 3)

    def test_the_line_says_whether_the_archive_or_a_file_of_that_name_is_meant(self):
        self.list("a.tar")
        os.remove(self.directory / "a.tar")
        for name, content in FILES.items():
            self.write(f"a.tar/{name}", content)
        said = self.check(code=1)  # the same contents, but not in an archive
        self.assertEqual({text for text in said.values()}, {"FAILED (open a.tar: not seekable (it is no regular file))"})
        self.list("a.tar")  # of the directory
        self.assertEqual(len(self.check(code=0)), 4)
        shutil.rmtree(self.directory / "a.tar")
        self.write("a.tar", ARCHIVES["a.tar"])
        self.assertEqual({text for text in self.check(code=1).values()}, {"FAILED (open: not a directory)"})

    def test_a_name_that_an_archive_has_twice_is_found_both_times(self):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for content in (b"first", b"other", noise(200_000), noise(200_000, 2)):
                member = tarfile.TarInfo("./x")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        self.write("twice.tar", packed.getvalue())
        names = ["twice.tar"]
        if "a.zip" in ARCHIVES:
            with warnings.catch_warnings(), zipfile.ZipFile(self.directory / "twice.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                warnings.simplefilter("ignore")
                for content in (b"first", b"other", b"third"):
                    archive.writestr("x", content)
            names.append("twice.zip")
        self.list(*names)
        result = self.weir("check", "list")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertEqual(result.stdout.count(b"x: OK\n"), 4 if len(names) == 1 else 7)
        whole = packed.getvalue()
        self.write("twice.tar", whole[:whole.index(b"other")] + b"OTHER" + whole[whole.index(b"other") + 5:])
        result = self.weir("check", "list")
        self.assertEqual((result.returncode, result.stdout.count(b"twice.tar/x: OK\n"), result.stdout.count(b"FAILED (")), (1, 3, 1))

    def test_names_of_any_bytes_are_found(self):
        self.write(b"\xff.tar", tar(files={os.fsdecode(b"\xfe"): b"x", "\n: OK": b"y"}))
        self.list(b"\xff.tar")
        result = self.weir("check", "list")
        self.assertEqual((result.returncode, result.stdout.count(b": OK\n")), (0, 2), result.stdout)

    def test_limits_hold_and_can_be_switched_off(self):
        self.list("a.tar")
        self.assert_fails("a.tar/large", "limit", "--entry-limit=1M")
        self.assertEqual(len(self.check("--entries-limit=none", "--entry-limit=none", code=0)), 4)
        said = self.check("--entries-limit=2", code=1)
        self.assertEqual((said["a.tar/a"], "limit" in said["a.tar/large"]), ("OK", True))

    def test_what_other_tools_packed_anew_is_as_listed(self):
        for name, content in FILES.items():
            self.write(f"t/{name}", content)
        for made, command in (("a.tar", (TAR, "cf", "../a.tar", "large", "dir", "a")), ("a.tar", (BSDTAR, "-cf", "../a.tar", ".")),
                              ("a.zip", (ZIP, "-qr", "../a.zip", "large", "dir", "a"))):
            if not command[0] or made not in ARCHIVES:
                continue
            with self.subTest(command):
                self.write(made, ARCHIVES[made])
                self.list(made)
                os.remove(self.directory / made)
                subprocess.run(command, cwd=self.directory / "t", check=True)
                self.assertEqual(set(self.check(code=0).values()), {"OK"})

    def test_thousands_of_entries_are_compared_in_one_go(self):
        files = {f"{number % 50}/{number}": b"%d" % number * (number % 300) for number in range(3000)}
        made = {"many.tar": tar(files=files)}
        if "gzip" in BUILT_IN:
            made |= {"many.tgz": tar("w:gz", files=files), "many.zip": zipped(files=files)}
        for name, content in made.items():
            with self.subTest(name):
                # Standard input cannot be read a second time.
                self.write("list", shuffled(self.list("--archives=all", "-", stdin=content)))
                self.assertEqual(set(self.check(code=0, stdin=content).values()), {"OK"})
                self.write(name, content)
                self.write("list", shuffled(self.list(name)))
                said = self.check(code=0)
                self.assertEqual((len(said), set(said.values())), (3000, {"OK"}))


class Compressed(CheckTest):
    CODECS = {name: module for name, module in (("gzip", gzip),) if name in BUILT_IN}

    def setUp(self):
        super().setUp()
        if not self.CODECS:
            self.skipTest("gzip is not built in")
        self.content = b"".join(b"line %d\n" % number for number in range(60_000))
        self.write("t/log.gz", gzip.compress(self.content))
        self.write("t/small.gz", gzip.compress(b"small"))
        self.write("t/plain", self.content)

    def test_decompressed_content_is_compared_beside_plain_files(self):
        for settings in (("--chunk-avg=4K",), ("--file-digest",), ()):
            self.list("--decompress=auto", *settings, "t")
            self.assertEqual(self.check(code=0), {"t/log.gz": "OK", "t/small.gz": "OK", "t/plain": "OK"})
        self.list("t")  # as they are
        self.write("t/log.gz", gzip.compress(self.content, 1))
        self.assert_fails("t/log.gz", "")

    def test_it_is_the_content_that_is_listed(self):
        self.list("--decompress=auto", "t")
        self.write("t/log.gz", gzip.compress(self.content[:100]) + gzip.compress(self.content[100:], 1))
        self.assertEqual(len(self.check(code=0)), 3)
        self.write("t/log.gz", gzip.compress(self.content[:-1]))
        self.assert_fails("t/log.gz", "ends at offset|differs in")
        self.write("t/log.gz", gzip.compress(self.content + b"x"))
        self.assert_fails("t/log.gz", "is longer than")
        self.write("t/log.gz", gzip.compress(self.content)[:-9])
        self.assert_fails("t/log.gz", "truncated")
        self.write("t/log.gz", self.content)
        self.assert_fails("t/log.gz", "another kind of data")
        os.remove(self.directory / "t/log.gz")
        self.assert_fails("t/log.gz", "open: no such file")

    def test_hard_links_to_what_is_compressed_are_listed_as_that(self):
        self.write("t/large.gz", gzip.compress(noise(400_000)))
        os.link(self.directory / "t/large.gz", self.directory / "t/other.gz")
        os.utime(self.directory / "t/large.gz", (1, 1))
        text = self.list("--decompress=auto", "t")
        self.assertIn(b'"path":"t/other.gz","codec":"gzip"', text)
        self.assertEqual(set(self.check(code=0).values()), {"OK"})

    @unittest.skipUnless("zstd" in BUILT_IN, "zstd is not built in")
    def test_what_has_a_dictionary_needs_it_again(self):
        for number in range(200):
            self.write(f"s/{number}", b'{"user":"name of %d","level":"info","number":%d}' % (number, number * 7))
        self.assertEqual(self.weir("train", "-o", "d", "s").returncode, 0)
        self.assertEqual(self.weir("compress", "--dictionary", "d", "s/1").returncode, 0)
        self.list("--decompress", "--dictionary", "d", "s/1.zst")
        self.assert_fails("s/1.zst", "dictionary")
        self.assertEqual(self.check("--dictionary", "d", code=0), {"s/1.zst": "OK"})

    def test_limits_hold(self):
        self.write("t/log.gz", gzip.compress(bytes(4_000_000)))
        self.list("--decompress", "t/log.gz")
        self.assert_fails("t/log.gz", "limit", "--output-limit=1M")

    def test_thousands_of_them_are_compared(self):
        for number in range(2000):
            self.write(f"many/{number}.gz", gzip.compress(b"%d" % number * 1000))
        self.write("list", shuffled(self.list("--decompress", "many")))
        said = self.check(code=0)
        self.assertEqual((len(said), set(said.values())), (2000, {"OK"}))


class StandardInput(CheckTest):
    def test_an_archive_is_compared_once_more_by_its_entries(self):
        for name, content in ARCHIVES.items():
            with self.subTest(name):
                self.list("--archives=all", "-", stdin=content)
                self.assertEqual(self.check(code=0, stdin=content), {f"-/{each}": "OK" for each in FILES})
                self.assertEqual(len([text for text in self.check(code=1, stdin=content[:-1_000_000]).values() if text != "OK"]), 1)
                self.assertEqual(set(self.check(code=1).values()),
                                 {"FAILED (open - at 0: bad format (no known archive begins so))"})

    @unittest.skipUnless("gzip" in BUILT_IN, "gzip is not built in")
    def test_content_that_was_decompressed_is_decompressed_again(self):
        self.list("--decompress", "-", stdin=gzip.compress(b"content"))
        self.assertEqual(self.check(code=0, stdin=gzip.compress(b"content", 1)), {"-": "OK"})
        self.assert_fails("-", "differs", stdin=gzip.compress(b"CONTENT"))

    def test_a_list_on_standard_input_cannot_be_of_it(self):
        text = self.list("--archives=all", "-", stdin=ARCHIVES["a.tar"])
        result = self.weir("check", "-", stdin=text)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stdout.count(b": FAILED (standard input is the list, and can be read once)"), 4)


class Lists(CheckTest):
    def test_urls_are_not_fetched(self):
        port = self.enterContext(http_files(self.directory))
        self.write("text", b"text")
        self.list(f"http://127.0.0.1:{port}/a.tar", f"http://127.0.0.1:{port}/text")
        said = self.check(code=1)
        self.assertEqual((len(said), set(said.values())), (5, {"FAILED (is a URL: what it gives is not fetched)"}))

    def test_an_archive_that_could_not_be_read_when_the_list_was_made_is_said(self):
        self.write("a.tar", ARCHIVES["a.tar"][:-1_000_000])
        self.list("a.tar", code=1)
        result = self.weir("check", "list")
        self.assertEqual(result.stdout.count(b": OK\n"), 3)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"a.tar/large: could not be read when the list was made", result.stderr)

    def test_a_list_whose_chunks_are_not_those_of_the_file_is_wrong(self):
        text = self.list("--chunk-avg=16K", "a.tar")
        lines = text.splitlines(True)
        first = next(line for line in lines if b"a.tar/large" in line)
        self.write("list", b"".join(line for line in lines if line != first))
        self.assert_fails("a.tar/large", "the list is wrong at offset")
        root = next(line for line in of_type(map(json.loads, lines), "file") if line["path"] == "a.tar/large")["root"].encode()
        self.write("list", text.replace(root, root[::-1]))
        self.assert_fails("a.tar/large", "its root is not that of its chunks")
        self.write("list", b"".join(line for line in lines if b'"type":"file","path":"a.tar/large"' not in line))
        self.assert_fails("a.tar/large", "the list ends before the file does")

    def test_members_that_contradict_the_path_are_wrong_lines(self):
        text = self.list("a.tar")
        for wrong in (text.replace(b'"archive":"a.tar"', b'"archive":"b.tar"'), text.replace(b'"archive":"a.tar"', b'"archive":""'),
                      text.replace(b'"archive":"a.tar"', b'"archive":7'), text.replace(b'"archive":"a.tar"', b'"codec":"brotli"')):
            self.write("list", wrong)
            result = self.weir("check", "list")
            self.assertEqual(result.returncode, 1)
            self.assertIn(b"lines are wrong", result.stderr)
            self.assertNotIn(b": OK\n", result.stdout)


if __name__ == "__main__":
    main()
