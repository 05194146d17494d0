#!/usr/bin/env python3
"""weir compress, weir decompress, weir version --codecs: as users of gzip and zstd expect, and with files of theirs."""

import contextlib
import gzip
import hashlib
import json
import os
import pathlib
import pty
import re
import resource
import select
import shutil
import signal
import struct
import subprocess
import time
import unittest

from harness import PATIENCE, WEIR, CommandTest, codecs, main, noise, run, wait_until_full

SUFFIX = {"zstd": ".zst", "lz4": ".lz4", "gzip": ".gz", "zlib": ".zz", "deflate": ".deflate", "xz": ".xz",
          "lzma": ".lzma"}
WITHOUT_MAGIC = {"deflate", "lzma"}
VECTORS = pathlib.Path(os.environ.get("WEIR_VECTORS", "/nonexistent")) / "codecs"


BUILT_IN = codecs()


def text(size=300_000):
    """Bytes that compress: half of each 64 are noise."""
    random = noise(size // 2 + 64)
    return b"".join(random[i:i + 32] + b"weir " * 6 + b"!\n" for i in range(0, size // 2, 32))[:size]


class CodecTest(CommandTest):
    def succeed(self, *arguments, **options):
        result = self.weir(*arguments, **options)
        self.assertEqual((result.returncode, result.stderr.decode()), (0, ""))
        return result.stdout

    def refused(self, code, reason, *arguments, **options):
        """It ends with this code, and one line that says why."""
        result = self.weir(*arguments, **options)
        self.assertRegex(result.stderr.decode(), rf"\Aweir: .*{reason}.*\n\Z")
        self.assertEqual(result.returncode, code)
        return result.stdout

    def read(self, name):
        return (self.directory / name).read_bytes()

    def names(self):
        return set(os.listdir(self.directory))

    def wait_for_temporary(self, least=0):
        """Returns when an output is being written, and so many bytes of it are there."""
        deadline = time.monotonic() + PATIENCE
        while not any(path.stat().st_size >= least for path in self.directory.glob(".weir-*")):
            self.assertLess(time.monotonic(), deadline)
            select.select([], [], [], 0.01)


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

    def test_a_codec_without_threads_refuses_them(self):
        if "lzma" not in BUILT_IN:
            self.skipTest("lzma is not built in")
        self.refused(2, "--threads 2: lzma has one", "compress", "--codec", "lzma", "-T2", stdin=b"x")
        for threads in ("-T0", "-T1"):
            self.succeed("compress", "--codec", "lzma", threads, stdin=b"x")

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


def compressed(content, codec="gzip"):
    return run("compress", "--codec", codec, stdin=content).stdout


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

    def test_a_file_may_be_cut_into_samples(self):
        self.write("log", b"".join(self.message(number)[:60].ljust(64) for number in range(2000)))
        said = self.succeed("train", "-o", "d", "--max-size", "4K", "--sample-size", "64", "log").decode()
        self.assertIn("from 2000 samples of 125 KiB", said)


@unittest.skipUnless({"gzip", "zstd", "xz"} <= set(BUILT_IN), "gzip, zstd and xz are not built in")
class Files(CodecTest):
    def setUp(self):
        super().setUp()
        self.content = text()
        self.path = self.write("a", self.content)

    def test_inputs_are_kept_unless_it_is_said(self):
        self.succeed("compress", "a")
        self.assertEqual(self.names(), {"a", "a.zst"})
        self.succeed("compress", "--rm", "-f", "a")
        self.assertEqual(self.names(), {"a.zst"})
        self.succeed("decompress", "--rm", "-k", "a.zst")
        self.assertEqual(self.names(), {"a", "a.zst"})
        self.succeed("decompress", "--rm", "-f", "a.zst")
        self.assertEqual(self.names(), {"a"})
        self.assertEqual(self.read("a"), self.content)

    def test_names_get_and_lose_the_suffix_of_the_codec(self):
        for codec in BUILT_IN:
            name = "a" + SUFFIX[codec]
            self.succeed("compress", "--codec", codec, "a")
            os.rename(self.directory / name, self.directory / ("b" + SUFFIX[codec]))
            self.succeed("decompress", "--codec", codec, "b" + SUFFIX[codec])
            self.assertEqual(self.read("b"), self.content)
            os.remove(self.directory / "b")

    def test_short_names_of_archives_become_tar(self):
        for codec, suffix in (("gzip", ".tgz"), ("zstd", ".tzst"), ("xz", ".txz")):
            self.write("x" + suffix, compressed(self.content, codec))
            self.succeed("decompress", "--rm", "x" + suffix)
            self.assertEqual(self.read("x.tar"), self.content)
            os.remove(self.directory / "x.tar")
        self.write("X.GZ", compressed(self.content, "gzip"))
        self.succeed("decompress", "--rm", "X.GZ")
        self.assertEqual(self.read("X"), self.content)
        os.remove(self.directory / "X")
        self.write("y.tgz", b"y")
        self.refused(1, "compressed already", "compress", "--codec", "gzip", "y.tgz")

    def test_what_has_the_suffix_is_not_compressed_again_unless_forced(self):
        self.succeed("compress", "a")
        self.refused(1, "a.zst: .*compressed already", "compress", "a.zst")
        self.succeed("compress", "-f", "a.zst")
        self.succeed("compress", "--codec", "xz", "a.zst")
        self.assertEqual(self.names(), {"a", "a.zst", "a.zst.zst", "a.zst.xz"})

    def test_a_name_without_a_suffix_needs_an_output(self):
        self.write("b", compressed(self.content))
        self.write(".gz", compressed(self.content))
        for name in ("b", ".gz"):
            self.refused(1, "no known suffix", "decompress", name)
            self.assertEqual(self.succeed("decompress", "-c", name), self.content)
        self.succeed("decompress", "-o", "out", "b")
        self.assertEqual(self.read("out"), self.content)

    def test_the_first_bytes_count_and_not_the_name(self):
        self.write("b.xz", compressed(self.content, "zstd"))
        self.succeed("decompress", "b.xz")
        self.assertEqual(self.read("b"), self.content)

    def test_the_name_of_the_output_chooses_the_codec(self):
        self.succeed("compress", "-o", "b.xz", "a")
        self.assertTrue(self.read("b.xz").startswith(b"\xfd7zXZ\0"))
        self.succeed("compress", "-o", "c.xz", "--codec", "gzip", "a")
        self.assertTrue(self.read("c.xz").startswith(b"\x1f\x8b"))

    def test_modes_and_times_are_kept(self):
        os.chmod(self.path, 0o640)
        os.utime(self.path, ns=(1_000_000_000_123_456_789, 1_234_567_890_987_654_321))
        self.succeed("compress", "a")
        os.rename(self.path, self.path + b".old")
        self.succeed("decompress", "a.zst")
        for name in ("a.zst", "a"):
            status = os.stat(self.directory / name)
            self.assertEqual(status.st_mode & 0o7777, 0o640)
            self.assertEqual(status.st_mtime_ns, 1_234_567_890_987_654_321)

    def test_rights_above_the_usual_are_not_passed_on(self):
        os.chmod(self.path, 0o4755)
        self.succeed("compress", "a")
        self.assertEqual(os.stat(self.directory / "a.zst").st_mode & 0o7777, 0o755)

    def test_output_of_standard_input_has_the_usual_mode(self):
        old = os.umask(0o027)
        self.addCleanup(os.umask, old)
        self.succeed("compress", "-o", "b.zst", stdin=b"x")
        self.assertEqual(os.stat(self.directory / "b.zst").st_mode & 0o7777, 0o640)

    def test_an_output_that_exists_is_replaced_only_by_force(self):
        self.write("a.zst", b"precious")
        for arguments in (["a"], ["-o", "a.zst", "a"], ["-o", "a.zst"]):
            self.refused(1, "a.zst exists; --force", "compress", *arguments, stdin=b"")
            self.assertEqual(self.read("a.zst"), b"precious")
        self.succeed("compress", "-f", "a")
        self.assertEqual(self.succeed("decompress", "-c", "a.zst"), self.content)

    def test_an_output_that_comes_meanwhile_is_not_replaced_either(self):
        process = self.start("compress", "-o", "b", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.wait_for_temporary()
        self.write("b", b"precious")
        _, complaint = process.communicate(b"x", timeout=PATIENCE)
        self.assertEqual(process.returncode, 3)
        self.assertIn(b"rename to b: file exists", complaint)
        self.assertEqual(self.names(), {"a", "b"})
        self.assertEqual(self.read("b"), b"precious")

    def test_a_file_is_never_its_own_output(self):
        os.link(self.path, self.path + b".zst")
        os.symlink("a", self.directory / "link")
        self.refused(1, "same file", "compress", "-f", "a")
        self.refused(1, "same file", "compress", "-f", "-o", "link", "a")
        with open(self.path, "ab") as out:
            result = subprocess.run([WEIR, "compress", "-c", "a"], cwd=self.directory, stdout=out,
                                    stderr=subprocess.PIPE, timeout=PATIENCE)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"it is the output too", result.stderr)
        self.assertEqual(self.read("a"), self.content)

    def test_a_link_that_is_replaced_leaves_what_it_points_to(self):
        self.write("target", b"precious")
        os.symlink("target", self.directory / "a.zst")
        self.refused(1, "exists", "compress", "a")
        self.succeed("compress", "-f", "a")
        self.assertEqual(self.read("target"), b"precious")
        self.assertFalse(os.path.islink(self.directory / "a.zst"))
        os.symlink("nothing", self.directory / "dangling")
        self.refused(1, "exists", "compress", "-o", "dangling", "a")
        self.assertNotIn("nothing", self.names())

    def test_links_are_followed_if_that_is_said(self):
        os.symlink("a", self.directory / "link")
        self.refused(1, "symbolic link", "compress", "link")
        self.assertEqual(self.succeed("decompress", stdin=self.succeed("compress", "-c", "link")), self.content)
        self.succeed("compress", "-f", "--rm", "link")
        self.assertEqual(self.names(), {"a", "link.zst"})
        self.assertEqual(self.succeed("decompress", "-c", "link.zst"), self.content)

    def test_one_of_several_names_is_removed_by_force_only(self):
        os.link(self.path, self.directory / "b")
        self.refused(1, "other names", "compress", "--rm", "a")
        self.refused(1, "other names", "compress", "--rm", "a", "-o", "c")
        self.assertEqual(self.names(), {"a", "b"})
        self.succeed("compress", "--rm", "-f", "a")
        self.assertEqual(self.names(), {"a.zst", "b"})

    def test_directories_and_special_files_are_refused_without_waiting_for_them(self):
        os.mkdir(self.directory / "folder")
        os.mkfifo(self.directory / "pipe")
        self.refused(1, "folder: it is a directory", "compress", "folder")
        self.refused(1, "folder: it is a directory", "compress", "-c", "folder")
        self.refused(1, "pipe: it is no regular file", "compress", "-f", "pipe")
        self.refused(1, "folder is a directory", "compress", "-f", "-o", "folder", "a")
        self.refused(1, "no such file", "compress", "missing")
        self.assertEqual(self.names(), {"a", "folder", "pipe"})

    def test_pipes_are_read_and_written_if_they_are_named_so(self):
        os.mkfifo(self.directory / "pipe")
        writer = self.start("compress", "-o", "pipe", "a")
        self.assertEqual(self.succeed("decompress", "-c", "pipe"), self.content)
        self.assertEqual(writer.wait(PATIENCE), 0)
        self.succeed("compress", "--rm", "-o", "/dev/null", "a")
        self.assertEqual(self.names(), {"a", "pipe"})

    def test_what_fails_is_said_and_the_rest_is_done(self):
        for number in range(30):
            self.write(f"many/{number:02}", text(1000 + number))
        names = [f"many/{number:02}" for number in range(30)]
        result = self.weir("compress", "--rm", *names[:15], "missing", "many", *names[15:])
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stderr.splitlines()), 2)
        self.assertEqual(set(os.listdir(self.directory / "many")), {f"{number:02}.zst" for number in range(30)})
        self.write("many/07.zst", b"broken")
        result = self.weir("decompress", *(name + ".zst" for name in names))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.decode(), r"\Aweir: decode many/07.zst at 0: .*\n\Z")
        for number in set(range(30)) - {7}:
            self.assertEqual(self.read(f"many/{number:02}"), text(1000 + number))
        self.assertFalse(os.path.exists(self.directory / "many/07"))

    def test_what_does_not_decode_leaves_no_output_and_its_input(self):
        self.write("b.gz", compressed(noise(5_000_000))[:-100])
        self.refused(1, "truncated", "decompress", "--rm", "b.gz")
        self.assertEqual(self.names(), {"a", "b.gz"})

    def test_what_is_good_of_a_broken_stream_goes_to_standard_output(self):
        packed = compressed(self.content)
        output = self.refused(1, "truncated", "decompress", stdin=packed[:len(packed) // 2])
        self.assertGreater(len(output), len(self.content) // 3)
        self.assertTrue(self.content.startswith(output))

    def test_letters_of_the_work_may_stand_in_any_order(self):
        self.succeed("compress", "a")
        for letters in ("-td", "-dt", "-t"):
            self.succeed("compress", letters, "a.zst")
        self.assertEqual(self.succeed("compress", "-ld", "a.zst").count(b"\n"), 2)
        self.assertEqual(self.succeed("compress", "-dc", "a.zst"), self.content)

    def test_sizes_are_listed_as_they_are(self):
        self.succeed("compress", "a")
        self.succeed("compress", "--codec", "xz", "a")
        lines = self.succeed("decompress", "-l", "a.zst", "a.xz").decode().splitlines()
        self.assertEqual([line.split()[:2] for line in lines[1:3]],
                         [[str(len(self.read(name))), str(len(self.content))] for name in ("a.zst", "a.xz")])
        self.assertEqual(lines[1].split()[3:], ["zstd", "a.zst"])
        self.assertEqual(lines[3].split()[1], str(2 * len(self.content)))
        self.refused(1, "bad format", "compress", "-l", "a")

    def test_an_odd_name_cannot_reach_the_terminal(self):
        self.write("x\x1b[2J.zst", self.succeed("compress", "-c", "a"))
        self.assertNotIn(b"\x1b", self.succeed("decompress", "-l", "x\x1b[2J.zst"))
        self.write("y\x1b[2J.zst", b"")
        self.assertIn("y\\x1b[2J", self.weir("decompress", "y\x1b[2J.zst").stderr.decode())


@unittest.skipUnless("zstd" in BUILT_IN, "zstd is not built in")
class Failures(CodecTest):
    def test_a_file_that_cannot_grow_leaves_nothing_and_keeps_the_input(self):
        content = noise(2_000_000)
        self.write("a", content)
        limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))}
        self.refused(3, "write a.zst: file too large", "compress", "--rm", "a", **limited)
        self.assertEqual(self.names(), {"a"})
        self.assertEqual(self.read("a"), content)

    def test_the_others_are_done_all_the_same(self):
        self.write("a", noise(2_000_000))
        self.write("b", b"b")
        limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))}
        self.refused(3, "write a.zst: file too large", "compress", "a", "b", **limited)
        self.assertEqual(self.names(), {"a", "b", "b.zst"})

    def test_a_full_device_is_told(self):
        self.write("a", noise(2_000_000))
        for arguments in (["-c", "a"], ["-l", "a.zst"]):
            self.succeed("compress", "-f", "a")
            with open("/dev/full", "wb") as out:
                result = subprocess.run([WEIR, "compress", *arguments], cwd=self.directory, stdout=out,
                                        stderr=subprocess.PIPE, timeout=PATIENCE)
            self.assertEqual(result.returncode, 3)
            self.assertIn(b"write standard output: no space left", result.stderr)

    def test_a_reader_that_leaves_is_an_error_and_no_signal(self):
        process = self.start("compress", "-c", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(noise(5_000_000))
            process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 3)
        self.assertIn(b"broken pipe", process.stderr.read())

    def test_a_folder_that_takes_no_file_is_told(self):
        self.write("a", b"a")
        self.refused(3, "create missing/b: no such file", "compress", "-o", "missing/b", "a")
        self.refused(3, "create .*: file name too long", "compress", "-o", "x/" * 3000 + "b", "a")

    def interrupt(self, number):
        """Ends a run in the middle of its work, with much of its output written."""
        process = self.start("compress", "--rm", "-o", "b.zst", "-", stdin=subprocess.PIPE,
                             preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))  # not ignored, as under nohup
        process.stdin.write(noise(20_000_000))  # more than two pieces
        process.stdin.flush()
        self.wait_for_temporary(1)
        process.send_signal(number)
        return process.wait(PATIENCE)

    def test_a_signal_leaves_no_half_of_an_output(self):
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)):
            with self.subTest(number):
                self.assertEqual(self.interrupt(number), code)
                self.assertEqual(self.names(), set())

    def test_a_signal_in_the_middle_of_a_file_leaves_the_input(self):
        content = noise(30_000_000)
        self.write("a", content)
        process = self.start("compress", "--rm", "--best", "a")
        self.wait_for_temporary()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 143)
        self.assertEqual(self.names(), {"a"})
        self.assertEqual(self.read("a"), content)

    def test_a_signal_ends_a_command_whose_reader_sleeps(self):
        with open("/dev/urandom", "rb") as endless:
            process = self.start("compress", "-c", "-", stdin=endless, stdout=subprocess.PIPE)
        wait_until_full(process.stdout)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 143)


@unittest.skipUnless("zstd" in BUILT_IN, "zstd is not built in")
class Usage(CodecTest):
    def test_mistakes_are_told_before_anything_is_done(self):
        self.write("a", b"a")
        for arguments, reason in ((["compress", "--codec", "rar", "a"], "allowed are"),
                                  (["compress", "--codec", "rot13", "a"], "identity, zstd"),
                                  (["cat", "--decompress=rot13", "a"], "auto, identity"),
                                  (["compress", "-25", "a"], "level"), (["compress", "--level=x", "a"], "level"),
                                  (["compress", "-o", "x", "-c", "a"], "two outputs"),
                                  (["compress", "-o", "x", "a", "a"], "one FILE"), (["compress", ""], "empty name"),
                                  (["compress", "-", "-"], "once"), (["compress", "--rm", "-c", "a"], "--rm"),
                                  (["compress", "-t", "--rm", "a"], "--rm"),
                                  (["decompress", "-t", "-o", "x", "a"], "-t"),
                                  (["decompress", "--output-limit", "much", "a"], "output-limit"),
                                  (["decompress", "--ratio-limit", "0", "a"], "ratio-limit"),
                                  (["compress", "-T", "many", "a"], "threads"),
                                  (["decompress", "--sparse"], "unknown option"),
                                  (["version", "--codecs", "x"], "no arguments")):
            with self.subTest(arguments):
                self.refused(2, reason, *arguments)
        self.assertEqual(self.names(), {"a"})

    def test_habits_from_other_tools_are_no_mistakes(self):
        self.write("a", text())
        self.succeed("compress", "--level", "-5", "-k", "a")
        self.succeed("decompress", "-9", "-t", "a.zst")
        self.succeed("decompress", "-9k", "-f", "a.zst")
        self.assertEqual(self.read("a"), text())
        self.assertEqual(self.succeed("decompress", "-cf", "a", "a.zst"), 2 * text())
        self.assertEqual(self.succeed("decompress", "-cf", stdin=b""), b"")
        self.refused(1, "no known format", "decompress", "-c", "a")
        result = self.weir("compress", "-v", "-f", "a")
        self.assertRegex(result.stderr.decode(), rf"\Aweir: a: {len(text())} bytes to \d+, ratio \d+\.\d\d\n\Z")
        self.assertEqual(result.returncode, 0)
        self.succeed("compress", "-qf", "a")
        help_text = self.succeed("compress", "--help").decode()
        self.assertIn("--fast[=N]", help_text)
        self.assertIn("-1 to -22", help_text)

    def test_a_copy_is_a_codec_too(self):
        self.assertEqual(self.succeed("compress", "--codec", "identity", stdin=text()), text())
        self.assertEqual(self.succeed("decompress", "--codec", "identity", stdin=text()), text())
        self.write("a", text())
        self.refused(1, "same file", "compress", "--codec", "identity", "a")
        self.assertIn(b"identity a copy\n", self.succeed("version", "--codecs"))

    def test_what_is_empty_is_truncated_for_all_commands(self):
        self.write("e", b"")
        for command in "cat", "ingest":
            result = self.weir(command, "--decompress", "e")
            self.assertIn(b"truncated", result.stderr)
            self.assertEqual(result.returncode, 1)
        self.write("raw", b"neither")
        result = self.weir("cat", "--decompress", "raw")
        self.assertIn(b"lzma", result.stderr)

    def test_names_that_look_like_options_stand_behind_two_dashes(self):
        self.write("-9", b"nine")
        self.succeed("compress", "--", "-9")
        self.assertEqual(len(self.names()), 2)

    def in_terminal(self, *arguments):
        """Runs with both standard input and output on a terminal; gives the exit code and what it showed."""
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        process = subprocess.Popen([WEIR, *arguments], cwd=self.directory, stdin=slave, stdout=slave,
                                   stderr=subprocess.PIPE)
        os.close(slave)
        complaint = process.communicate(timeout=PATIENCE)[1]
        return process.returncode, complaint.decode()

    def test_compressed_data_stays_away_from_terminals(self):
        self.write("a", b"a")
        for arguments in (["compress"], ["compress", "-c", "a"], ["compress", "a", "-"], ["decompress"],
                          ["decompress", "-t"]):
            with self.subTest(arguments):
                code, complaint = self.in_terminal(*arguments)
                self.assertEqual(code, 2)
                self.assertIn("terminal", complaint)
        self.assertEqual(self.in_terminal("compress", "-f", "-c", "a"), (0, ""))
        self.assertEqual(self.names(), {"a"})


if __name__ == "__main__":
    main()
