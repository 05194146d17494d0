#!/usr/bin/env python3
"""weir check, weir diff, weir config; the man page and the completions."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tomllib
import unittest

from harness import PATIENCE, WEIR, CommandTest, lines_of, main, noise, of_type, with_sums


class Check(CommandTest):
    def setUp(self):
        super().setUp()
        self.write("t/large", noise(3_000_000))
        self.write("t/small", b"x")
        self.write("t/empty", b"")
        self.write(b"t/caf\xe9\n", b"y")

    def list(self, *arguments):
        result = self.weir("ingest", "--json", *arguments, "t")
        self.assertEqual(result.returncode, 0)
        self.write("list", result.stdout)
        return result.stdout

    def check(self, *arguments, **options):
        result = self.weir("check", *arguments, **options)
        return result.returncode, set(result.stdout.decode().splitlines()[:-1]), result.stderr.decode()

    def test_files_that_are_as_listed_are_ok_however_they_were_cut(self):
        for arguments in ([], ["--chunker", "fastcdc2020", "--chunk-avg", "4K"], ["--hash", "sha512-256"],
                          ["--hash", "xxh3-128", "--chunker", "fixed"], ["--file-digest", "sha512-256"]):
            with self.subTest(arguments):
                self.list(*arguments)
                code, said, complaints = self.check("list")
                self.assertEqual((code, complaints), (0, ""))
                self.assertEqual(said, {"t/large: OK", "t/small: OK", "t/empty: OK", "t/caf\ufffd\\x0a: OK"})

    def test_the_counts_stand_at_the_end(self):
        self.list()
        os.remove(self.directory / "t/small")
        result = self.weir("check", "list")
        self.assertRegex(result.stdout.decode(), r"\n4 files, .*: 3 OK, 1 FAILED\n$")

    def assert_fails(self, name, reason):
        code, said, _ = self.check("list")
        self.assertEqual(code, 1)
        failed = {line for line in said if not line.endswith(": OK")}
        self.assertEqual(len(failed), 1, failed)
        self.assertRegex(failed.pop(), rf"^{name}: FAILED \(.*{reason}.*\)$")

    def test_every_change_is_found(self):
        def flip(path):
            with open(path, "r+b") as file:
                file.seek(2_000_000)
                byte = file.read(1)
                file.seek(2_000_000)
                file.write(bytes([byte[0] ^ 1]))
        def append(path):
            with open(path, "ab") as file:
                file.write(b"z")
        self.list("--chunk-avg", "16K")
        for change, reason in ((flip, "differs"), (append, "longer"), (lambda path: os.truncate(path, 100), "ends at"),
                               (os.remove, "open: no such file")):
            with self.subTest(reason):
                self.write("t/large", noise(3_000_000))
                change(os.path.join(self.directory, "t/large"))
                self.assert_fails("t/large", reason)

    def test_an_empty_file_that_is_no_longer_empty_fails(self):
        self.list()
        self.write("t/empty", b"z")
        self.assert_fails("t/empty", "longer")

    def test_quiet_says_what_failed_only(self):
        self.list()
        self.assertEqual(self.weir("check", "--quiet", "list").stdout, b"")
        os.remove(self.directory / "t/small")
        result = self.weir("check", "--quiet", "list")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout.decode(), r"^t/small: FAILED \(.*\)\n$")

    def test_a_long_list_of_several_hashes_has_its_verdicts_in_its_order(self):
        for number in range(40):
            self.write(f"many/{number:02}", noise(700_000 + number))
        text = b"".join(self.weir("ingest", "--json", "--chunk-avg", "16K", "--hash", chosen, "many").stdout
                        for chosen in ("sha256", "sha512-256"))
        self.write("list", text)
        with open(os.path.join(self.directory, "many/23"), "r+b") as file:
            file.seek(699_999)
            file.write(b"?" if noise(700_023)[699_999:700_000] != b"?" else b"!")
        result = self.weir("check", "list")
        verdicts = [line.partition(": ") for line in result.stdout.decode().splitlines()[:-1]]
        self.assertEqual([path for path, _, _ in verdicts], [each["path"] for each in of_type(lines_of(text), "file")])
        self.assertEqual({path for path, _, said in verdicts if said != "OK"}, {"many/23"})
        self.assertEqual([said[:6] for path, _, said in verdicts if path == "many/23"], ["FAILED"] * 2)

    def test_a_list_comes_from_standard_input_too(self):
        self.assertEqual(self.check("-", stdin=self.list())[0], 0)

    def test_standard_input_is_checked_against_a_list_of_it(self):
        content = noise(1_000_000)
        self.write("list", self.weir("ingest", "--json", "--chunk-avg", "16K", "-", stdin=content).stdout)
        self.assertEqual(self.check("list", stdin=content)[:2], (0, {"-: OK"}))
        self.assertEqual(self.check("list", stdin=content[:-1])[0], 1)
        self.assertEqual(self.check("list", stdin=content + b"x")[0], 1)

    def test_a_root_that_is_not_that_of_the_chunks_fails(self):
        text = self.list()
        root = of_type(lines_of(text), "file")[0]["root"].encode()
        self.write("list", text.replace(b'"root":"' + root, b'"root":"' + root[::-1]))
        code, said, _ = self.check("list")
        self.assertEqual(code, 1)
        self.assertEqual(len([line for line in said if "root" in line]), 1)

    def test_a_list_that_was_cut_off_fails_for_the_file_it_ends_in(self):
        lines = [line for line in self.list("--chunk-avg", "16K").splitlines(True) if b"t/large" in line]
        self.write("list", b"".join(lines[:-1]))
        result = self.weir("check", "list")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"t/large: FAILED (the list ends before the file does)", result.stdout)

    def test_a_line_that_is_none_is_named_and_the_rest_is_checked(self):
        text = self.list()
        self.write("list", b'{"type":"chunk"}\nnonsense\n' + text)
        code, said, complaints = self.check("list")
        self.assertEqual(code, 1)
        self.assertEqual(len(said), 4)
        self.assertIn("list:1:", complaints)
        self.assertIn("list:2:", complaints)

    def test_a_list_that_was_cut_off_between_two_lines_has_no_summary(self):
        lines = self.list().splitlines(True)
        self.write("list", b"".join(lines[:-1]))
        code, said, complaints = self.check("list")
        self.assertEqual((code, len(said)), (1, 4))
        self.assertEqual(complaints, "weir: list: has no summary: it may lack files\n")
        self.write("list", b"".join(lines + lines[:-1]))
        self.assertEqual(self.check("list")[0], 1)
        self.write("list", b"".join(lines + lines))
        self.assertEqual(self.check("list")[0], 0)

    def test_a_list_of_an_interrupted_run_fails(self):
        text = self.list()
        cut = text.replace(b'"interrupted":false', b'"interrupted":true')
        for content in (cut, cut + text, text + cut):
            self.write("list", content)
            code, said, complaints = self.check("list")
            self.assertEqual((code, len(said)), (1, 4))
            self.assertEqual(complaints, "weir: list: was interrupted, and may lack files\n")

    def test_a_summary_that_counts_other_lines_fails_and_says_what_is_missing(self):
        lines = self.list("--chunk-avg", "64K").splitlines(True)
        chunks = [line for line in lines if b'"type":"chunk"' in line]
        count = len(chunks)
        for missing, said in ((b"t/small", "has 3 files, and its summary counts 4"),
                              (b"t/large", "has 3 files, and its summary counts 4"),
                              (b"t/empty", "has 3 files, and its summary counts 4")):
            self.write("list", b"".join(line for line in lines if missing not in line))
            code, _, complaints = self.check("list")
            self.assertEqual((code, complaints), (1, f"weir: list: {said}\n"))
        self.write("list", b"".join(lines[:-1] + lines))
        code, said, complaints = self.check("list")
        self.assertEqual((code, len(said)), (1, 4))
        self.assertIn("has 8 files, and its summary counts 4", complaints)
        self.write("list", b"".join(line for line in lines if line != chunks[0]))
        self.assertIn(f"has {count - 1} chunks, and its summary counts {count}", self.check("list")[2])

    def listed_twice(self):
        """The lines of t/large and those of the rest."""
        lines = self.list("--chunk-avg", "64K").splitlines(True)
        large = [line for line in lines if b'"t/large"' in line]
        return large, [line for line in lines[:-1] if line not in large]

    def verdicts(self, lines):
        self.write("list", with_sums(lines))
        result = self.weir("check", "list")
        return result.returncode, [line for line in result.stdout.decode().splitlines()[:-1] if "t/large" in line]

    def test_a_file_that_was_reached_twice_may_interleave_with_itself(self):
        large, rest = self.listed_twice()
        twice = [line for line in large for _ in range(2)]
        shifted = large[:3] + [line for pair in zip(large[3:], large) for line in pair] + large[-3:]
        for lines in (twice, shifted, large + large, [line for line in large for _ in range(5)]):
            code, said = self.verdicts(lines + rest)
            self.assertEqual((code, set(said)), (0, {"t/large: OK"}))
            self.assertEqual(len(said), lines.count(large[-1]))

    def test_each_reading_of_a_file_is_compared(self):
        large, rest = self.listed_twice()
        twice = [line for line in large for _ in range(2)]
        wrong = large[4].replace(b'"sha256":"', b'"sha256":"00')
        wrong = re.sub(rb'("sha256":"00[0-9a-f]*)[0-9a-f]{2}"', rb'\1"', wrong)
        one = list(twice)
        one[one.index(large[4])] = wrong
        code, said = self.verdicts(one + rest)
        self.assertEqual(code, 1)
        self.assertEqual(sorted(line.split()[1] for line in said), ["FAILED", "OK"])
        one = list(twice)
        one.remove(large[-1])  # one does not end
        code, said = self.verdicts(one + rest)
        self.assertEqual((code, said), (1, ["t/large: OK", "t/large: FAILED (the list ends before the file does)"]))
        one.remove(large[4])  # nor does it go on
        code, said = self.verdicts(one + rest)
        self.assertEqual((code, said[0]), (1, "t/large: OK"))
        failed = b'{"type":"error","path":"t/large","error":"read: broken","code":"EIO"}\n'
        code, said = self.verdicts(twice[:-4] + [failed] + large[-2:] + rest)
        self.assertEqual((code, said), (1, ["t/large: OK"]))  # something could not be read: it may lack files
        code, said = self.verdicts(twice[:6] + [failed, failed] + large + rest)
        self.assertEqual((code, said), (1, ["t/large: OK"]))

    def test_readings_side_by_side_are_bounded(self):
        large, rest = self.listed_twice()
        code, said = self.verdicts([large[0]] * 5000 + rest)
        self.assertEqual((code, len(said)), (1, 1024))

    def test_bytes_that_are_not_read_are_not_counted(self):
        self.list()
        os.remove(self.directory / "t/large")
        result = self.weir("check", "list")
        self.assertTrue(result.stdout.endswith(b"4 files, 2 B: 3 OK, 1 FAILED\n"), result.stdout)

    def test_paths_of_any_length_are_opened(self):
        at = os.open(self.directory, os.O_RDONLY)
        for _ in range(30):
            os.mkdir("d" * 200, dir_fd=at)
            below = os.open("d" * 200, os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        with open(os.open("f", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=at), "wb") as file:
            file.write(noise(100_000))
        result = self.weir("ingest", "--json", "d" * 200)
        self.write("list", result.stdout)
        code, said, complaints = self.check("list")
        self.assertEqual((code, complaints), (0, ""))
        self.assertEqual(said, {f"{'/'.join(['d' * 200] * 30)}/f: OK"})
        os.unlink("f", dir_fd=at)
        os.close(at)
        code, said, _ = self.check("list")
        self.assertEqual((code, [line.endswith("FAILED (open: no such file or directory)") for line in said]), (1, [True]))

    def test_lines_of_types_that_are_not_known_are_skipped(self):
        self.write("list", b'{"type":"header","path":7}\n' + self.list() + b'{"type":"footer"}\n')
        code, said, complaints = self.check("list")
        self.assertEqual((code, len(said), complaints), (0, 4, ""))

    def test_a_list_on_standard_input_cannot_name_it(self):
        text = self.weir("ingest", "--json", "--chunk-avg", "16K", "-", "t", stdin=noise(400_000)).stdout
        lines = sorted(text.splitlines(True), key=lambda line: b'"path":"-"' not in line)
        code, said, _ = self.check("-", stdin=b"".join(lines))
        self.assertEqual(code, 1)
        self.assertEqual({line for line in said if not line.endswith(": OK")},
                         {"-: FAILED (standard input is the list, and can be read once)"})
        self.assertEqual(len(said), 5)

    def test_a_fifo_in_place_of_a_file_fails_and_is_not_waited_for(self):
        self.list()
        (self.directory / "t/small").unlink()
        os.mkfifo(self.directory / "t/small")
        self.assert_fails("t/small", "is no regular file")

    def test_a_name_cannot_look_like_a_line_of_its_own(self):
        self.list()
        with open(self.directory / "list", "ab") as file:
            file.write(b'{"type":"error","path":"a\\nweir: all files are as listed","error":"","code":"EIO"}\n')
        complaints = self.check("list")[2]
        self.assertIn(r"weir: a\x0aweir: all files are as listed: could not be read", complaints)
        self.assertEqual([line for line in complaints.splitlines() if line.startswith("weir: all")], [])

    def test_a_line_without_an_end_is_refused(self):
        code, _, complaints = self.check("/dev/zero")
        self.assertEqual(code, 1)
        self.assertIn("line 1 is longer than 1 MiB", complaints)

    def test_empty_lines_count_in_the_numbers_of_lines(self):
        self.write("list", b"\n\nx\n")
        self.assertIn("list:3: ", self.check("list")[2])

    def test_a_list_without_files_is_a_failure(self):
        self.write("list", b"")
        self.assertEqual(self.check("list")[0], 1)
        code, _, complaints = self.check("missing")
        self.assertEqual(code, 1)
        self.assertIn("missing", complaints)


class Diff(CommandTest):
    def test_shared_and_changed_are_told_apart(self):
        common = noise(2_000_000)
        self.write("a/same", b"s")
        self.write("a/old", b"o")
        self.write("a/large", common + noise(500_000, 2))
        self.write("b/same", b"s")
        self.write("b/new/deep", b"n")
        self.write("b/large", common + noise(700_000, 3))
        result = self.weir("diff", "--json", "a", "b/")
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = lines_of(result.stdout)
        self.assertEqual([(line["change"], line["path"]) for line in of_type(lines, "path")],
                         [("changed", "large"), ("added", "new/deep"), ("removed", "old"), ("identical", "same")])
        sums = lines[-1]
        self.assertEqual(sums["type"], "diff")
        self.assertEqual((sums["added"], sums["removed"], sums["changed"], sums["identical"]), (1, 1, 1, 1))
        self.assertEqual((sums["bytes_a"], sums["bytes_b"]), (2_500_002, 2_700_002))
        self.assertGreater(sums["shared_bytes"], 1_500_000)
        self.assertLessEqual(sums["shared_bytes"], 2_000_001)
        self.assertEqual(sums["shared_bytes"] + sums["only_a_bytes"], 2_500_002)
        self.assertEqual(sums["shared_bytes"] + sums["only_b_bytes"], 2_700_002)

    def test_two_files_compare_whatever_they_are_called(self):
        self.write("x", noise(300_000))
        self.write("y/z", noise(300_000))
        result = self.weir("diff", "x", "y/z")
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        text = result.stdout.decode()
        self.assertIn("0 added, 0 removed, 0 changed, 1 identical", text)
        self.assertRegex(text, r"(?m)^only in A +0 chunks, 0 B")
        self.write("x", noise(300_000, 2))
        self.assertIn("0 added, 0 removed, 1 changed, 0 identical", self.weir("diff", "x", "y/z").stdout.decode())

    def test_a_file_has_its_own_name_where_an_argument_is_one(self):
        self.write("x", b"x")
        self.write("y/z", b"x")
        for sides, expected in ((("x", "y/z"), [("identical", "y/z")]), (("x", "y"), [("removed", "x"), ("added", "z")]),
                                (("y", "x"), [("added", "x"), ("removed", "z")])):
            lines = lines_of(self.weir("diff", "--json", *sides).stdout)
            self.assertEqual([(line["change"], line["path"]) for line in of_type(lines, "path")], expected)

    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"), "root reads everything")
    def test_what_could_not_be_read_is_neither_added_nor_removed(self):
        for side in ("a", "b"):
            for name in ("same", "closed/x", "closed/y/z", "unreadable"):
                self.write(f"{side}/{name}", name.encode())
        self.write("a/gone", b"g")
        self.write("b/closedx", b"n")
        os.chmod(self.directory, 0o755)
        os.chmod(self.directory / "a/unreadable", 0)
        os.chmod(self.directory / "b/closed", 0)
        self.addCleanup(os.chmod, self.directory / "b/closed", 0o755)
        prefix = ["setpriv", "--reuid=65534", "--clear-groups", "--bounding-set=-all"] if os.geteuid() == 0 else []
        result = subprocess.run([*prefix, WEIR, "diff", "--json", "a", "b"], cwd=self.directory, capture_output=True,
                                timeout=PATIENCE)
        self.assertEqual((result.returncode, result.stderr), (1, b""))
        lines = lines_of(result.stdout)
        self.assertEqual([(line["change"], line["path"]) for line in of_type(lines, "path")],
                         [("added", "closedx"), ("removed", "gone"), ("identical", "same")])
        self.assertEqual({line["path"] for line in of_type(lines, "error")}, {"a/unreadable", "b/closed"})
        self.assertEqual([lines[-1][key] for key in ("added", "removed", "changed", "identical")], [1, 1, 0, 1])

    def test_standard_input_cannot_be_both_sides(self):
        result = self.weir("diff", "-", "-")
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"standard input can be read once", result.stderr)

    def test_a_missing_side_is_exit_code_1_and_nothing_is_compared(self):
        self.write("x", b"x")
        self.write("t/x", b"x")
        for sides in (("x", "missing"), ("missing", "x"), ("t", "missing")):
            with self.subTest(sides):
                result = self.weir("diff", *sides)
                self.assertEqual((result.returncode, result.stdout), (1, b""))
                self.assertIn(b"missing", result.stderr)
                result = self.weir("diff", "--json", *sides)
                self.assertEqual((result.returncode, result.stderr), (1, b""))
                self.assertEqual([(line["type"], line["path"], line["code"]) for line in lines_of(result.stdout)],
                                 [("error", "missing", "ENOENT")])

    def test_what_cannot_be_read_in_a_tree_is_an_error_line_and_the_rest_is_compared(self):
        self.write("a/x", b"x")
        self.write("b/x", b"x")
        os.symlink("loop", self.directory / "b/loop")
        result = self.weir("diff", "--json", "--follow-links", "a", "b")
        self.assertEqual((result.returncode, result.stderr), (1, b""))
        lines = lines_of(result.stdout)
        self.assertEqual([line["path"] for line in of_type(lines, "error")], ["b/loop"])
        self.assertEqual((lines[-1]["type"], lines[-1]["errors"], lines[-1]["identical"]), ("diff", 1, 1))

    def test_quiet_prints_the_sums_only(self):
        self.write("x", b"x")
        self.write("y", b"y")
        text = self.weir("diff", "--quiet", "x", "y").stdout.decode()
        self.assertRegex(text, r"^files +0 added, 0 removed, 1 changed, 0 identical\n")
        self.assertRegex(text, r"(?m)^only in B +1 chunk, 1 B \(1 byte\)$")

    def test_sizes_are_against_the_average_of_diff(self):
        self.write("x", noise(300_000))
        self.assertEqual(self.weir("diff", "--chunk-max", "128K", "x", "x").returncode, 0)
        result = self.weir("diff", "--chunk-min", "128K", "x", "x")
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"--chunk-min: allowed are", result.stderr)

    def test_an_interrupted_diff_prints_the_sums_of_what_was_read(self):
        self.write("x", noise(300_000))
        reader, writer = os.pipe()
        with os.fdopen(reader, "rb") as stdin, os.fdopen(writer, "wb"):
            process = subprocess.Popen([WEIR, "diff", "--json", "--progress", "always", "x", "-"], cwd=self.directory,
                                       stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(process.kill)
            while b"1 file" not in process.stderr.readline():  # the first side is read
                pass
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 130)
        lines = lines_of(output)
        self.assertEqual([(line["type"], line["interrupted"], line["bytes_a"]) for line in lines],
                         [("diff", True, 300_000)])


class Config(CommandTest):
    def config(self, *arguments):
        result = self.weir("config", *arguments)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        return result.stdout

    def test_every_documented_key_is_there_with_its_default(self):
        values = tomllib.loads(self.config().decode())
        self.assertEqual(set(values), {"chunking", "performance", "limits"})
        expected = {"small_file_chunk_size": "256 KiB", "small_file_threshold": "1 MiB",
                    "medium_file_chunk_size": "1 MiB", "medium_file_threshold": "100 MiB",
                    "large_file_chunk_size": "512 KiB", "huge_file_chunk_size": "2 MiB",
                    "huge_file_threshold": "1 GiB", "algorithm": "weir1", "minimum": 0, "average": 0, "maximum": 0,
                    "normalization": "auto"}
        self.assertEqual(values["chunking"], expected)
        for key in ("max_worker_threads", "worker_stack_size", "batch_size", "buffer_size", "max_memory_usage",
                    "async_io", "backend", "memory_map_threshold", "file_cache_size"):
            self.assertIn(key, values["performance"])

    def test_every_key_has_a_comment_with_its_default(self):
        lines = self.config().decode().splitlines()
        keys = [i for i, line in enumerate(lines) if " = " in line and not line.startswith("#")]
        self.assertGreater(len(keys), 20)
        for i in keys:
            self.assertRegex(lines[i - 1], r"^# default .*; allowed: ")
            self.assertRegex(lines[i - 2], r"^# \w")

    def test_options_that_no_key_stands_for_are_comments(self):
        text = self.config("--hash", "sha512-256", "--jobs", "3", "--exclude", "*.o").decode()
        self.assertIn("\n# Options that no key stands for:\n# --hash=sha512-256\n# --exclude=*.o\n", text)
        self.assertNotIn("no key", self.config("--jobs", "3").decode())

    def test_the_limits_say_whom_they_are_for(self):
        self.assertRegex(self.config().decode(), r"(?m)^# For programs .*command.*\n\[limits\]$")

    def test_what_is_written_reads_back_the_same(self):
        first = self.config("--chunk-avg", "64K", "--chunker", "fastcdc2020", "--jobs", "3", "--memory", "20M")
        self.write("weir.toml", first)
        self.assertEqual(self.config("--config", "weir.toml"), first)

    def test_the_command_line_is_over_the_file_and_the_file_over_the_defaults(self):
        self.write("weir.toml", b"[chunking]\naverage = \"32K\"\nminimum = \"4K\"\n")
        values = tomllib.loads(self.config("--config", "weir.toml", "--chunk-avg", "64kb").decode())["chunking"]
        self.assertEqual((values["average"], values["minimum"], values["maximum"]), ("64 KiB", "4 KiB", 0))

    def test_a_configuration_changes_what_ingest_does(self):
        self.write("a", noise(1_000_000))
        self.write("weir.toml", b"[chunking]\nalgorithm = \"fixed\"\naverage = \"10K\"\n")
        chunks = of_type(self.ingest("--config", "weir.toml", "a"), "chunk")
        self.assertEqual({c["length"] for c in chunks[:-1]}, {10240})
        chunks = of_type(self.ingest("--config", "weir.toml", "--chunk-avg", "20K", "a"), "chunk")
        self.assertEqual({c["length"] for c in chunks[:-1]}, {20480})

    def test_the_table_of_sizes_comes_from_the_file(self):
        self.write("a", noise(900_000))
        self.write("weir.toml", b"[chunking]\nsmall_file_chunk_size = \"8K\"\n")
        self.assertGreater(len(of_type(self.ingest("--config", "weir.toml", "a"), "chunk")), 50)


class Documented(CommandTest):
    """The man page and the completions know what the command does."""

    ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

    def options(self):
        found = set()
        for subcommand in ("ingest", "cat", "compress", "decompress", "check", "diff", "config", "origin", "version"):
            text = self.weir(subcommand, "--help").stdout.decode()
            found |= set(re.findall(r"(?m)^  (?:-., |    )--([a-z0-9-]+)", text))
        self.assertGreater(len(found), 20)
        return found

    def test_every_option_is_in_the_man_page_and_both_completions(self):
        page = (self.ROOT / "docs/man/weir.1").read_text()
        bash = (self.ROOT / "tools/completions/weir.bash").read_text()
        zsh = (self.ROOT / "tools/completions/_weir").read_text()
        for option in self.options():
            with self.subTest(option):
                self.assertRegex(page, rf"(?m)^\.It .*Fl -{option}\b")
                self.assertRegex(bash, rf"--{option}\b")
                self.assertRegex(zsh, rf"--{option}\b")

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_the_man_page_has_no_faults(self):
        result = subprocess.run(["groff", "-mdoc", "-ww", "-z", self.ROOT / "docs/man/weir.1"], capture_output=True,
                                timeout=PATIENCE)
        self.assertEqual((result.returncode, result.stderr), (0, b""))

    def test_bash_completes_subcommands_options_and_values(self):
        def completed(*words):
            script = (f"source {self.ROOT}/tools/completions/weir.bash; COMP_WORDS=(weir \"$@\");"
                      "COMP_CWORD=$#; _weir; printf '%s\\n' \"${COMPREPLY[@]}\"")
            result = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, timeout=PATIENCE,
                                    cwd=self.directory, check=True)
            return set(result.stdout.decode().split())
        self.write("file", b"")
        self.assertEqual(completed("in"), {"ingest"})
        self.assertEqual(completed("ingest", "--chunk-m"), {"--chunk-min", "--chunk-max"})
        self.assertEqual(completed("ingest", "--hash", "sha"), {"sha256", "sha512-256"})
        self.assertEqual(completed("ingest", "--file-digest", "=", "sha"), {"sha256", "sha512-256"})
        self.assertEqual(completed("ingest", "--file-digest", "fi"), {"file"})
        self.assertLessEqual({"-0", "-h", "--json"}, completed("ingest", "-"))
        self.assertIn("-h", completed("check", "-"))
        self.assertEqual(completed("check", "--q"), {"--quiet"})
        self.assertEqual(completed("diff", "--fi"), set())
        self.assertEqual(completed("cat", "--timeout-f"), {"--timeout-first-byte"})
        self.assertEqual(completed("cat", "--retries", "f"), set())
        self.assertEqual(completed("cat", "--cacert", "fi"), {"file"})
        self.assertEqual(completed("ingest", "fi"), {"file"})
        self.assertEqual(completed("compress", "--codec", "l"), {"lz4", "lzma"})
        self.assertEqual(completed("decompress", "-o", "fi"), {"file"})


if __name__ == "__main__":
    main()
