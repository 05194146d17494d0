#!/usr/bin/env python3
"""weir compress and weir decompress with files: names, modes, what fails, and how they are called."""

import contextlib
import os
import pty
import resource
import signal
import subprocess
import unittest

from coding import BUILT_IN, SUFFIX, CodecTest, compressed, text
from harness import PATIENCE, WEIR, main, noise, wait_until_full


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
        for arguments in (["compress"], ["compress", "-c", "a"], ["compress", "a", "-"], ["compress", "a", "-o", "/dev/stdout"],
                          ["decompress"], ["decompress", "-t"]):
            with self.subTest(arguments):
                code, complaint = self.in_terminal(*arguments)
                self.assertEqual(code, 2)
                self.assertIn("terminal", complaint)
        self.assertEqual(self.in_terminal("compress", "-f", "-c", "a"), (0, ""))
        self.assertEqual(self.names(), {"a"})


if __name__ == "__main__":
    main()
