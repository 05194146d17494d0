#!/usr/bin/env python3
"""weir compress, weir decompress, weir version --codecs: streams, as users of gzip and zstd expect."""

import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import unittest

from archives import tar
from coding import BUILT_IN, SUFFIX, WITHOUT_MAGIC, CodecTest, compressed, text
from harness import PATIENCE, WEIR, main, noise, run, wait_until_full

VECTORS = pathlib.Path(os.environ.get("WEIR_VECTORS", "/nonexistent")) / "codecs"


def in_pieces(codec):
    """A content of several pieces, and the level whose pieces are the smallest."""
    level, size = {"lz4": ("-1", 9_000_000), "zstd": ("-1", 4_500_000), "xz": ("-0", 2_500_000)}.get(codec, ("-1", 1_500_000))
    return text(size), level


class RoundTrips(CodecTest):
    CONTENTS = (b"", b"x", text(), noise(1_100_000), bytes(2_000_000))

    def test_every_codec_gives_back_what_it_was_given(self):
        for codec in BUILT_IN:
            named = ["--codec", codec] if codec in WITHOUT_MAGIC else []
            for content in self.CONTENTS:
                with self.subTest(codec=codec, size=len(content)):
                    packed = self.succeed("compress", "--codec", codec, stdin=content)
                    self.assertEqual(self.succeed("decompress", *named, stdin=packed), content)

    def test_levels_by_number_and_by_name(self):
        content = text(600_000)
        for codec, levels in (("zstd", ["-1", "-12", "-19", "--fast", "--fast=7", "--best", "--level=22"]),
                              ("lz4", ["-1", "-12", "--fast", "--fast=3", "--best"]),
                              ("gzip", ["-0", "-1", "-9", "--best"]),
                              ("xz", ["-0", "-6", "--best"]), ("lzma", ["-1"]), ("zlib", ["-2"]), ("deflate", ["-8"])):
            if codec not in BUILT_IN:
                continue
            for level in levels:
                with self.subTest(codec=codec, level=level):
                    packed = self.succeed("compress", "--codec", codec, level, stdin=content)
                    self.assertEqual(self.succeed("compress", "-d", "--codec", codec, "-c", stdin=packed), content)

    @unittest.skipUnless("zstd" in BUILT_IN, "zstd is not built in")
    def test_a_number_among_letters_is_a_level(self):
        content = text(1_000_000)
        self.write("a", content)
        best = self.succeed("compress", "-19", "-c", "a")
        self.assertEqual(self.succeed("compress", "-c19", "a"), best)
        self.assertEqual(self.succeed("compress", "-19c", "a"), best)
        self.assertEqual(self.succeed("compress", "-1", "-19c", "a"), best)
        self.assertEqual(self.succeed("compress", "-k1c", "a"), self.succeed("compress", "-c", "--level=1", "a"))
        self.assertNotEqual(self.succeed("compress", "-1c", "a"), best)

    def test_threads_change_nothing_but_the_time(self):
        for codec in set(BUILT_IN) - {"lzma"}:
            with self.subTest(codec=codec):
                content, level = in_pieces(codec)
                self.write("a", content)
                named = ["--codec", codec] if codec in WITHOUT_MAGIC else []
                packed = self.succeed("compress", "--codec", codec, level, "-c", "a")
                self.assertEqual(self.succeed("decompress", "-T2", *named, stdin=packed), content)
                self.assertEqual(self.succeed("compress", "--codec", codec, level, "-T0", stdin=content), packed)
                self.assertEqual(self.succeed("compress", "--codec", codec, level, "-T3", "-c", "a"), packed)
                whole = self.succeed("compress", "--codec", codec, level, "-T1", "-c", "a")
                self.assertEqual(self.succeed("decompress", *named, stdin=whole), content)
                self.assertLess(len(packed), 1.01 * len(whole))

    def test_a_codec_without_pieces_is_compressed_by_one_of_the_threads(self):
        for codec in {"lzma", "identity"} & set(BUILT_IN):
            alone = self.succeed("compress", "--codec", codec, "-T1", stdin=text())
            for threads in "-T0", "-T2":
                self.assertEqual(self.succeed("compress", "--codec", codec, threads, stdin=text()), alone)

    def test_threads_that_decompress_a_file_change_nothing_but_the_time(self):
        for codec in set(BUILT_IN) - WITHOUT_MAGIC:
            with self.subTest(codec=codec):
                content, level = in_pieces(codec)
                packed = self.succeed("compress", "--codec", codec, level, stdin=content)
                broken = bytearray(packed)
                broken[len(packed) * 3 // 4] ^= 0x40
                for name, stream in (("whole", packed), ("twice", packed * 2), ("broken", broken), ("cut", packed[:-9])):
                    self.write(name, stream)
                    alone, together = (self.weir("decompress", "-c", threads, name) for threads in ("-T1", "-T2"))
                    self.assertEqual((alone.returncode, alone.stderr), (together.returncode, together.stderr))
                    if alone.returncode == 0:
                        self.assertEqual(together.stdout, alone.stdout)
                    self.assertEqual(self.weir("decompress", "-t", "-T2", name).stderr.replace(b"test", b"decompress"),
                                     alone.stderr)

    @unittest.skipUnless("gzip" in BUILT_IN, "gzip is not built in")
    def test_members_that_say_their_size_are_decompressed_by_several_threads(self):
        content = text(3_000_000)

        def member(piece):
            packed = gzip.compress(piece)
            return (packed[:3] + b"\4" + packed[4:10] + struct.pack("<H2sHH", 6, b"BC", 2, len(packed) + 7) + packed[10:])

        self.write("a.gz", b"".join(member(content[at:at + 0xff00]) for at in range(0, len(content), 0xff00)) + member(b""))
        self.assertEqual(self.succeed("decompress", "-c", "-T2", "a.gz"), content)
        self.assertEqual(self.succeed("decompress", "-c", "-T1", "a.gz"), content)

    @unittest.skipUnless("xz" in BUILT_IN, "xz is not built in")
    def test_what_several_threads_decompress_may_be_cut_short_meanwhile(self):
        packed = self.succeed("compress", "--codec", "xz", "-0", stdin=noise(2_000_000))
        self.write("a.xz", packed * 32)
        with subprocess.Popen([WEIR, "decompress", "-T2", "a.xz"], cwd=self.directory, stderr=subprocess.PIPE) as process:
            self.wait_for_temporary(least=1)
            os.truncate(self.directory / "a.xz", 1000)
            complaint = process.stderr.read().decode()
        self.assertRegex(complaint, r"\Aweir: .*a.xz.*\n\Z")
        self.assertEqual((process.returncode, self.names()), (1, {"a.xz"}))

    @unittest.skipUnless("gzip" in BUILT_IN, "gzip is not built in")
    def test_what_several_threads_read_may_be_cut_short_meanwhile(self):
        self.write("a", noise(64_000_000))
        with subprocess.Popen([WEIR, "compress", "--codec", "gzip", "-9", "-T2", "a"], cwd=self.directory,
                              stderr=subprocess.PIPE) as process:
            self.wait_for_temporary(least=1)
            os.truncate(self.directory / "a", 1000)
            complaint = process.stderr.read()
        self.assertEqual((complaint, process.returncode, self.names()), (b"weir: compress a: it shrank meanwhile\n", 1, {"a"}))

    def test_what_shrinks_is_an_error_what_grows_is_said_and_kept_by_rm(self):
        for threads in "-T1", "-T2":
            for size, rm, code, said in ((1000, [], 1, "it shrank meanwhile"), (40_000_000, [], 0, "notice: a changed while"),
                                         (40_000_000, ["-q"], 0, ""), (1000, ["-q"], 1, "it shrank meanwhile"),
                                         (40_000_000, ["--rm"], 1, "it changed meanwhile")):
                with self.subTest(threads=threads, size=size, rm=rm):
                    self.write("a", noise(30_000_000))
                    out = os.pipe()
                    self.addCleanup(os.close, out[0])
                    path = f"/proc/self/fd/{out[1]}"
                    process = self.start("compress", "-1", threads, *rm, *(["-o", path, "-f"]), "a", pass_fds=[out[1]],
                                         stderr=subprocess.PIPE)
                    os.close(out[1])
                    with open(out[0], "rb", closefd=False) as reader:
                        wait_until_full(reader)
                        os.truncate(self.directory / "a", size)
                        while reader.read(1 << 20):
                            pass
                    self.assertEqual((process.wait(PATIENCE), said in process.stderr.read().decode()), (code, True))
                    self.assertIn("a", self.names())

    def test_what_others_write_to_meanwhile_can_be_decompressed(self):
        for codec, level in ("gzip", "-1"), ("lz4", "-1"), ("xz", "-0"), ("zstd", "-1"):
            if codec not in BUILT_IN:
                continue
            with self.subTest(codec):
                self.write("a", noise(6_000_000))
                with (subprocess.Popen([WEIR, "compress", "--codec", codec, level, "-T2", "-f", "-o", "b", "a"],
                                       cwd=self.directory) as process, open(self.directory / "a", "r+b", buffering=0) as file):
                    place = 0
                    while process.poll() is None:
                        place = (place + 7_777_777) % 5_900_000
                        os.pwrite(file.fileno(), os.urandom(64), place)
                self.assertEqual(process.returncode, 0)
                self.succeed("decompress", "-t", "b")

    def test_several_files_to_one_output_are_one_stream(self):
        self.write("a", text())
        self.write("b", noise(1000))
        for codec in set(BUILT_IN) & {"zstd", "lz4", "gzip", "xz"}:
            packed = self.succeed("compress", "--codec", codec, "-c", "a", "b")
            self.assertEqual(self.succeed("decompress", stdin=packed), text() + noise(1000))
        for codec in set(BUILT_IN) & {"zlib", "deflate", "lzma"}:
            self.refused(2, "no stream behind a stream", "compress", "--codec", codec, "-c", "a", "b")

    def test_what_is_decoded_from_a_slow_pipe_does_not_wait_for_the_rest(self):
        if "gzip" not in BUILT_IN:
            self.skipTest("gzip is not built in")
        packed = self.succeed("compress", "--codec", "gzip", stdin=b"first\n")
        process = self.start("decompress", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdin.write(packed)
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"first\n")
        process.stdin.write(packed)
        process.stdin.close()
        self.assertEqual(process.stdout.read(), b"first\n")
        self.assertEqual(process.wait(PATIENCE), 0)


class Interchange(CodecTest):
    TOOLS = {"zstd": "zstd", "lz4": "lz4", "gzip": "gzip", "xz": "xz"}

    def tool(self, codec, *arguments, content):
        name = self.TOOLS[codec]
        if codec not in BUILT_IN or not shutil.which(name):
            self.skipTest(f"{name} is not there")
        return subprocess.run([name, *arguments], input=content, capture_output=True, check=True,
                              timeout=PATIENCE).stdout

    def exchange(self, codec, *variants):
        for content in (b"", b"x", text(), noise(600_000)):
            for variant in variants:
                theirs = self.tool(codec, "-c", *variant, content=content)
                self.assertEqual(self.succeed("decompress", stdin=theirs), content)
            ours = self.succeed("compress", "--codec", codec, stdin=content)
            self.assertEqual(self.tool(codec, "-dc", content=ours), content)

    def test_zstd(self):
        self.exchange("zstd", ["-1"], ["-19"], ["--no-check"], ["-T2"])

    def test_lz4(self):
        self.exchange("lz4", ["-1"], ["-9"], ["-B4", "-BD"], ["--no-frame-crc"])

    def test_gzip(self):
        self.exchange("gzip", ["-1"], ["-9"])

    def test_pieces_of_other_tools(self):
        content = text(3_000_000)
        self.write("content", content)
        for codec, variants in {"zstd": (["-3"],), "xz": (["-0", "-T2", "--block-size=500000"],),
                                "lz4": (["-B5"], ["-B5", "-BX", "--content-size"], ["-B5", "-BD"])}.items():
            for variant in variants:
                with self.subTest(codec=codec, variant=variant):
                    theirs = self.tool(codec, "-c", *variant, str(self.directory / "content"), content=None)
                    self.write("packed", theirs * 2)
                    self.assertEqual(self.succeed("decompress", "-c", "-T2", "packed"), content * 2)

    def test_xz(self):
        self.exchange("xz", ["-0"], ["-6"], ["--check=sha256"], ["--check=none"])

    def test_lzma_by_the_tool_of_xz(self):
        content = text()
        theirs = self.tool("xz", "--format=lzma", "-c", content=content)
        self.assertEqual(self.succeed("decompress", "--codec", "lzma", stdin=theirs), content)
        ours = self.succeed("compress", "--codec", "lzma", stdin=content)
        self.assertEqual(self.tool("xz", "--format=lzma", "-dc", content=ours), content)

    def test_a_file_keeps_its_size_in_the_header_if_it_is_small(self):
        self.write("a", text(1000))
        if "zstd" not in BUILT_IN or not shutil.which("zstd"):
            self.skipTest("zstd is not there")
        self.succeed("compress", "a")
        listed = subprocess.run(["zstd", "-lv", "a.zst"], cwd=self.directory, capture_output=True, check=True).stdout
        self.assertRegex(listed.decode(), r"Decompressed Size: .*\(1000 B\)")


@unittest.skipUnless((VECTORS / "cases.json").exists(), "there is no codecs/cases.json where WEIR_VECTORS points")
class Vectors(CodecTest):
    def expected(self, case):
        old = re.match(r"libzstd 1\.5\.[0-5]$", BUILT_IN.get("zstd", ""))
        return case.get("libzstd_1_5_4", case["outcome"]) if old else case["outcome"]

    def test_every_official_stream_is_told_valid_or_not_with_a_reason(self):
        cases = json.loads((VECTORS / "cases.json").read_text())["cases"]
        tried = 0
        for case in cases:
            if case["codec"] not in BUILT_IN:
                continue
            with self.subTest(case["file"]):
                path = VECTORS / case["file"]
                result = self.weir("decompress", "-t", path)
                self.assertIn(result.returncode, (0, 1))
                expected = self.expected(case)
                if expected != "either":
                    self.assertEqual(result.returncode, 0 if expected == "ok" else 1, result.stderr)
                if result.returncode == 0:
                    self.assertEqual((result.stdout, result.stderr), (b"", b""))
                    content = self.succeed("decompress", "-c", path)
                    if "plain_sha256" in case:
                        self.assertEqual(hashlib.sha256(content).hexdigest(), case["plain_sha256"])
                else:
                    self.assertRegex(result.stderr.decode(), rf"\Aweir: decode {re.escape(str(path))} at \d+: .+\n\Z")
                tried += 1
        self.assertGreater(tried, 0)


@unittest.skipUnless({"gzip", "zstd"} <= set(BUILT_IN), "gzip and zstd are not built in")
class Refused(CodecTest):
    """-t says what is wrong with what is not valid, and where."""

    def test_each_kind_of_fault_has_its_reason(self):
        whole = compressed(text())
        wrong_sum = bytearray(whole)
        wrong_sum[-6] ^= 1
        for content, reason in ((whole[:-5], "truncated"), (whole[:100], "truncated"), (bytes(wrong_sum), "checksum"),
                                (whole + b"rest", "something else follows"), (b"", "truncated"),
                                (b"plain text", "--codec"),
                                (b"\x02\x21\x4c\x18" + bytes(20), "legacy|not built in"),
                                (compressed(text(), "zstd")[:-2], "truncated")):
            with self.subTest(reason=reason, size=len(content)):
                self.write("a", content)
                self.assertEqual(self.refused(1, rf"decode a at \d+: .*({reason})", "decompress", "-t", "a"), b"")
                self.refused(1, rf"decode - at \d+: .*({reason})", "decompress", "-t", stdin=content)

    def test_what_is_in_front_of_a_fault_is_written(self):
        for codec in set(BUILT_IN) - {"identity"} - WITHOUT_MAGIC:
            for size in 6, 3_000_000:
                content = (text() * (size // len(text()) + 1))[:size]
                packed = compressed(content, codec)
                for wrong in packed + b"junk", packed + packed[:-1]:
                    self.write("a", wrong)
                    for arguments in ["-T1", "a"], ["-T2", "a"], []:
                        with self.subTest(codec=codec, size=size, arguments=arguments):
                            result = self.weir("decompress", "-c", *arguments, stdin=wrong)
                            self.assertEqual(result.returncode, 1)
                            self.assertTrue(result.stdout.startswith(content))

    def test_a_format_before_its_standard_is_named(self):
        self.refused(1, "before 0.8", "decompress", "-t", stdin=b"\x27\xb5\x2f\xfd and so on")

    def test_a_frame_without_the_content_that_it_declares_is_corrupt_in_one_piece_or_two(self):
        for frame in (b"\x28\xb5\x2f\xfd\x40\x00\x2c\x00\x10\0\0ab\x01\0\0", b"\x28\xb5\x2f\xfd\x20\x05\x01\0\0"):
            self.refused(1, "corrupt", "decompress", "-c", stdin=frame)
            process = self.start("decompress", stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
            for each in frame:
                process.stdin.write(bytes([each]))
                process.stdin.flush()
            process.stdin.close()
            self.assertIn(b"corrupt", process.stderr.read())
            self.assertEqual(process.wait(PATIENCE), 1)

    @unittest.skipUnless("lz4" in BUILT_IN, "lz4 is not built in")
    def test_what_follows_a_skippable_frame_says_which_codec_it_is(self):
        for codec in "lz4", "zstd":
            packed = b"\x50\x2a\x4d\x18\x02\0\0\0ab" + compressed(text(), codec)
            self.write("a", packed)
            for source in [["a"], ["-T2", "a"], ["-"]]:
                self.assertEqual(self.succeed("decompress", "-c", *source, stdin=packed), text())
            self.assertEqual(self.succeed("cat", "--decompress", "a"), text())
            lines = self.ingest("--decompress", "a")
            self.assertEqual((lines[-1]["bytes"], lines[-2]["codec"]), (len(text()), codec))
            self.assertEqual(self.ingest("--decompress", "-", stdin=packed)[-1]["bytes"], len(text()))

    def test_zeros_may_follow_gzip(self):
        self.succeed("decompress", "-t", stdin=compressed(text()) + bytes(512))

    def test_what_has_no_magic_number_has_to_be_named(self):
        for codec in WITHOUT_MAGIC & set(BUILT_IN):
            self.write("a" + SUFFIX[codec], compressed(text(), codec))
            self.refused(1, f"--codec {codec}", "decompress", "-t", "a" + SUFFIX[codec])
            self.succeed("decompress", "-t", "--codec", codec, "a" + SUFFIX[codec])

    def test_a_codec_that_is_named_is_the_only_one(self):
        self.refused(1, "zstd: no zstd frame", "decompress", "--codec", "zstd", "-t", stdin=compressed(b"x"))

    def test_a_bomb_stops_at_the_ratio_and_says_how_to_lift_it(self):
        self.write("bomb", compressed(bytes(70_000_000), "zstd"))
        self.refused(1, "ratio.*--ratio-limit", "decompress", "-t", "bomb")
        self.refused(1, "ratio.*--ratio-limit", "decompress", "bomb", "-o", "out")
        self.assertEqual(self.names(), {"bomb"})
        self.succeed("decompress", "-t", "--ratio-limit", "none", "bomb")
        self.succeed("decompress", "-t", "--ratio-limit", "100000", "bomb")

    def test_a_limit_of_the_output_is_exact(self):
        packed = compressed(text(100_000))
        self.succeed("decompress", "-t", "--output-limit", "100000", stdin=packed)
        self.refused(1, "size of the output", "decompress", "-t", "--output-limit", "99999", stdin=packed)
        self.succeed("decompress", "-t", "--output-limit", "none", stdin=packed)

    def test_a_limit_of_memory_refuses_large_windows(self):
        packed = run("compress", "-19", stdin=text(2_000_000)).stdout
        self.refused(1, "--memory-limit", "decompress", "-t", "--memory-limit", "64K", stdin=packed)
        for allowed in ("128M", "none"):
            self.succeed("decompress", "-t", "--memory-limit", allowed, stdin=packed)

    def test_memory_stays_bounded_whatever_a_file_gives(self):
        with open(self.directory / "zeros", "wb") as file:
            file.truncate(300_000_000)
        self.succeed("compress", "zeros")
        process = self.start("decompress", "-c", "--ratio-limit", "none", "zeros.zst", stdout=subprocess.PIPE)
        left = 299_000_000  # the rest is more than the pipe holds: it is still there
        while left > 0:
            left -= len(process.stdout.read(min(left, 1 << 20)))
        self.check_peak_memory(process, 64 << 20)


@unittest.skipUnless("zstd" in BUILT_IN, "zstd is not built in")
class Dictionaries(CodecTest):
    def setUp(self):
        super().setUp()
        os.mkdir(self.directory / "samples")
        for number in range(300):
            self.write(f"samples/{number}", self.message(number))

    def message(self, number):
        return b'{"user":"%s","action":"download","size":%d,"status":"complete"}' % (noise(8, number).hex().encode(), number * 7919)

    def train(self, *arguments):
        return self.succeed("train", "-o", "d", "--max-size", "4K", *arguments, "samples")

    def test_messages_are_smaller_with_a_dictionary_and_need_it(self):
        self.assertRegex(self.train().decode(), r"\Ad: \S+ \S+, number [1-9]\d*, from 300 samples of \S+ KiB\n\Z")
        message = self.message(1000)
        packed = self.succeed("compress", "--dictionary", "d", stdin=message)
        self.assertLess(len(packed), len(self.succeed("compress", stdin=message)) * 3 // 4)
        self.assertEqual(self.succeed("decompress", "--dictionary", "d", stdin=packed), message)
        self.refused(1, "dictionary", "decompress", stdin=packed)
        self.assertEqual(self.succeed("cat", "--decompress", "--dictionary", "d", "-", stdin=packed), message)

    def test_archives_that_need_it_are_listed_compared_and_read(self):
        self.train()
        self.write("a.tar", tar(files={"x": b"content"}))
        self.write("a.tar.zst", self.succeed("compress", "--dictionary", "d", "-c", "a.tar"))
        listed = self.succeed("ls", "a.tar")
        self.assertEqual(self.succeed("ls", "--dictionary", "d", "a.tar.zst"), listed)
        self.refused(1, "dictionary", "ls", "a.tar.zst")
        said = self.succeed("diff", "--dictionary", "d", "a.tar", "a.tar.zst").decode()
        self.assertIn("0 added, 0 removed, 0 changed, 1 identical", said)

    def test_what_is_long_is_the_same_by_several_threads(self):
        self.train()
        content = text(5_000_000)
        for threads in "1", "2":
            packed = self.succeed("compress", "-T", threads, "--dictionary", "d", stdin=content)
            self.assertEqual(self.succeed("decompress", "--dictionary", "d", stdin=packed), content)

    @unittest.skipUnless(shutil.which("zstd"), "zstd is not installed")
    def test_the_tool_of_zstd_makes_and_reads_the_same(self):
        self.train()
        message = self.message(2000)
        packed = self.succeed("compress", "--dictionary", "d", stdin=message)
        ours = subprocess.run(["zstd", "-dc", "-D", "d"], input=packed, cwd=self.directory, capture_output=True, timeout=PATIENCE)
        self.assertEqual(ours.stdout, message)
        subprocess.run(["zstd", "-q", "--train", "-r", "samples", "-o", "t", "--maxdict=4096"], cwd=self.directory, check=True,
                       capture_output=True, timeout=PATIENCE)
        packed = self.succeed("compress", "--dictionary", "t", stdin=message)
        self.assertEqual(self.succeed("decompress", "--dictionary", "t", stdin=packed), message)

    def test_other_codecs_are_decoded_though_a_dictionary_was_given(self):
        self.train()
        for codec in {"gzip", "xz"} & set(BUILT_IN):
            self.assertEqual(self.succeed("decompress", "--dictionary", "d", stdin=compressed(b"x", codec)), b"x")
            self.refused(2, "zstd does", "compress", "--codec", codec, "--dictionary", "d", stdin=b"x")

    def test_mistakes_are_told_and_leave_nothing(self):
        self.refused(1, "samples", "train", "-o", "e", "samples/1")
        self.refused(1, "missing", "train", "-o", "e", "missing")
        self.refused(2, "needs --output", "train", "samples")
        self.refused(2, "needs files", "train", "-o", "e")
        self.write("e", b"there")
        self.refused(3, "e", "train", "-o", "e", "--max-size", "4K", "samples")
        self.assertEqual(self.read("e"), b"there")
        self.refused(3, "e: file exists", "train", "-o", "e", "missing")  # before anything is read
        os.mkfifo(self.directory / "fifo")
        for force in [], ["-f"]:
            self.refused(2, "fifo is no regular file", "train", *force, "-o", "fifo", "samples")
        (self.directory / "fifo").unlink()
        self.write("empty", b"")
        self.refused(2, "allowed are files of 1 B to 32 MiB", "compress", "--dictionary", "empty", stdin=b"x")
        self.assertEqual(self.names(), {"samples", "e", "empty"})

    def test_a_dictionary_has_at_most_32_mib(self):
        self.write("most", noise(1 << 20) * 32)
        self.write("more", noise(1 << 20) * 32 + b"!")
        packed = self.succeed("compress", "--dictionary", "most", stdin=b"x")
        self.assertEqual(self.succeed("decompress", "--dictionary", "most", stdin=packed), b"x")
        self.refused(2, "allowed are files of 1 B to 32 MiB", "compress", "--dictionary", "more", stdin=b"x")

    def test_a_size_that_samples_cannot_fill_takes_no_memory(self):
        said = self.succeed("train", "-o", "d", "--max-size", "1T", "samples").decode()
        self.assertRegex(said, r"\Ad: \S+ KiB, number")

    def test_a_dictionary_may_go_to_standard_output(self):
        self.train()
        result = self.weir("train", "-o", "-", "--max-size", "4K", "samples")
        self.assertEqual((result.returncode, result.stdout[:4]), (0, b"\x37\xa4\x30\xec"))
        self.assertIn(b"number", result.stderr)
        self.assertNotIn("-", self.names())

    def test_a_pipe_that_is_named_gives_samples_too(self):
        os.mkfifo(self.directory / "pipe")
        writer = subprocess.Popen(["sh", "-c", "sleep 0.3; cat samples/* > pipe"], cwd=self.directory)
        said = self.succeed("train", "-o", "d", "--sample-size", "200", "pipe", "samples").decode()
        self.assertEqual(writer.wait(PATIENCE), 0)
        of_both, of_one = (int(re.search(r"from (\d+) samples", text).group(1))
                           for text in (said, self.succeed("train", "-f", "-o", "d", "--sample-size", "200", "samples").decode()))
        self.assertGreater(of_both, of_one)

    def test_a_file_may_be_cut_into_samples(self):
        self.write("log", b"".join(self.message(number)[:60].ljust(64) for number in range(2000)))
        said = self.succeed("train", "-o", "d", "--max-size", "4K", "--sample-size", "64", "log").decode()
        self.assertIn("from 2000 samples of 125 KiB", said)


if __name__ == "__main__":
    main()
