#!/usr/bin/env python3
"""The command around the work: usage, exit codes, output that fails, signals, progress."""

import fcntl
import json
import os
import pty
import resource
import select
import signal
import struct
import subprocess
import termios
import time

from harness import PATIENCE, WEIR, CommandTest, lines_of, main, noise, of_type, wait_until_full


class Usage(CommandTest):
    def refused(self, *arguments, **options):
        """Exit code 2, one line on standard error, nothing on standard output; gives the line."""
        result = self.weir(*arguments, **options)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(result.stdout, b"")
        self.assertEqual(result.stderr.count(b"\n"), 1, result.stderr)
        return result.stderr.decode()

    def test_what_may_be_a_url_is_shown_without_secrets_whatever_reads_it(self):
        self.write("empty", b"")
        for url in ("http://us:hunter2@h/?token=hunter2", " http://us:hunter2@h/", "'http://us:hunter2@h/'", "https:us:hunter2@h/",
                    "ftp://us:hunter2@h/", "\thttp:us:hunter2@h/a b?key=hunter2"):
            for command in (["check", url], ["compress", url], ["decompress", url], ["decompress", "-t", url], ["origin", url],
                            ["config", "--config", url], ["ingest", "--config", url], ["ingest", "--files-from", url],
                            ["ingest", "--json", "--files-from", url], ["ingest", url], ["ingest", "--json", url], ["cat", url],
                            ["ls", url], ["ls", "--json", url], ["diff", url, "empty"], ["diff", "--json", "empty", url],
                            ["train", "-o", "d", url], ["compress", "-o", url, "missing"], ["version", "--frob=" + url], [url],
                            ["cat", "--dictionary", url, "--decompress", "empty"], ["cat", "--max-rate", url, "http://h/"]):
                with self.subTest(command):
                    result = self.weir(*command)
                    self.assertNotEqual(result.returncode, 0)
                    self.assertNotIn(b"hunter2", result.stdout + result.stderr)
                    self.assertNotEqual(result.stdout + result.stderr, b"")

    def test_names_of_files_are_no_urls(self):
        for name in ("user@host:path?x", "C:a@b#c", "./http://u@h/?x"):
            for command in ("check", "compress", "cat", "ls", "ingest"):
                with self.subTest(command=command, name=name):
                    self.assertIn(f" {name}: ".encode(), self.weir(command, name).stderr)
        self.assertEqual(of_type(lines_of(self.weir("ingest", "--json", "a@b:c").stdout), "error")[0]["path"], "a@b:c")

    def test_alone_it_says_what_it_can_do(self):
        for arguments in ((), ("--help",), ("-h",), ("help",)):
            result = self.weir(*arguments)
            self.assertEqual(result.returncode, 0)
            for subcommand in ("ingest", "cat", "check", "diff", "config", "version"):
                self.assertIn(f"\n  {subcommand} ".encode(), result.stdout)

    def test_version_is_printed_in_every_way(self):
        expected = self.weir("version").stdout
        self.assertRegex(expected.decode(), r"^weir \d+\.\d+\.\d+\n$")
        self.assertIn(b"Usage: weir version", self.weir("version", "--help").stdout)
        for arguments in (("--version",), ("ingest", "--version"), ("check", "--version"), ("version", "--version")):
            result = self.weir(*arguments)
            self.assertEqual((result.returncode, result.stdout), (0, expected))

    def test_help_goes_on_to_the_subcommand_that_is_named(self):
        for name in ("ingest", "cat", "check", "version"):
            text = self.weir(name, "--help").stdout
            self.assertIn(f"\nUsage: weir {name} ".encode(), text)
            self.assertIn(b"\n  -h, --help ", text)
            self.assertIn(b"\n      --version ", text)
            for asked in ("help", "--help", "-h"):
                self.assertEqual(self.weir(asked, name).stdout, text)
            self.assertIn("nonsense", self.refused("help", "nonsense"))

    def test_help_has_examples_and_every_option(self):
        text = self.weir("ingest", "--help").stdout.decode()
        for option in ("chunker chunk-min chunk-avg chunk-max normalization seed secret-file hash file-digest jobs memory "
                       "block-size backend direct follow-links one-file-system exclude files-from config json quiet "
                       "progress").split():
            self.assertIn(f"--{option} ", text)
        self.assertIn("-0,", text)
        self.assertIn("Examples:\n  weir ingest ", text)
        for subcommand in ("cat", "check", "diff", "config"):
            self.assertIn("Examples:\n  weir", self.weir(subcommand, "--help").stdout.decode())

    def test_what_is_not_understood_is_refused(self):
        self.assertIn("frob", self.refused("frob"))
        self.assertIn("--frob", self.refused("ingest", "--frob", "a"))
        self.assertIn("-x", self.refused("ingest", "-x", "a"))
        self.assertIn("--chunk-min", self.refused("ingest", "a", "--chunk-min"))
        self.assertIn("--json=1", self.refused("ingest", "--json=1", "a"))
        self.assertIn("PATH", self.refused("ingest"))
        self.refused("check")
        self.refused("check", "a", "b")
        self.refused("diff", "a")
        self.refused("diff", "a", "")
        self.refused("check", "")
        self.refused("version", "a")
        self.refused("ingest", "--config", "", "a")
        self.refused("config", "a")
        self.refused("ingest", "-", "--files-from", "-")

    def test_impossible_sizes_are_refused(self):
        self.write("a", b"x")
        for arguments in (["--chunk-avg", "0"], ["--chunk-min", "0"], ["--chunk-max", "0"], ["--memory", "0"],
                          ["--block-size", "0"], ["--chunk-avg", "64Q"], ["--chunk-avg", "-1"], ["--chunk-avg", ""],
                          ["--chunk-avg", "1.5M"], ["--chunk-avg", "99999999999999999999"],
                          ["--chunk-min", "128K", "--chunk-avg", "64K"], ["--chunk-max", "32K", "--chunk-avg", "64K"],
                          ["--chunk-min", "2K", "--chunk-max", "1K"], ["--chunk-avg", "8G"],
                          ["--block-size", "100K"], ["--jobs", "x"], ["--jobs", "-1"], ["--normalization", "4"]):
            with self.subTest(arguments):
                said = self.refused("ingest", *arguments, "a")
                self.assertTrue(any(option in said for option in arguments[::2]), said)

    def test_fastcdc2020_has_its_limits(self):
        self.write("a", noise(10_000))
        fastcdc = ["ingest", "--json", "--chunker", "fastcdc2020"]
        for arguments in (["--chunk-min", "63"], ["--chunk-min", "1048577", "--chunk-avg", "2M"],
                          ["--chunk-avg", "255"], ["--chunk-avg", "4194305"], ["--chunk-max", "1023"],
                          ["--chunk-max", "16777217"]):
            with self.subTest(arguments):
                self.refused(*fastcdc, *arguments, "a")
        for arguments in (["--chunk-min", "64", "--chunk-avg", "256", "--chunk-max", "1K"],
                          ["--chunk-min", "1M", "--chunk-avg", "4M", "--chunk-max", "16M"]):
            with self.subTest(arguments):
                self.assertEqual(self.weir(*fastcdc, *arguments, "a").returncode, 0)

    def test_options_that_belong_to_one_chunker_are_refused_with_another(self):
        self.write("secret", b"s")
        self.assertIn("--seed", self.refused("ingest", "--seed", "1", "a"))
        self.assertIn("--seed", self.refused("ingest", "--chunker", "fixed", "--seed", "1", "a"))
        self.assertIn("--secret-file", self.refused("ingest", "--chunker", "fastcdc2020", "--secret-file", "secret", "a"))
        self.assertIn("missing", self.refused("ingest", "--secret-file", "missing", "a"))

    def test_a_secret_that_cannot_be_read_is_refused_with_the_reason(self):
        for name, reason in ((".", "is a directory"), ("missing", "no such file"), ("/dev/zero", "1 B to 1 MiB"),
                             (os.devnull, "1 B to 1 MiB")):
            said = self.refused("ingest", "--secret-file", name, "a")
            self.assertIn("--secret-file", said)
            self.assertIn(name, said)
            self.assertIn(reason, said)

    def test_options_that_do_not_fit_are_named_with_the_way_out(self):
        for arguments, said in (
                (["--chunker", "fixed", "--normalization", "1"], "--normalization: leave it out: fixed chunks have one size\n"),
                (["--chunker", "fixed", "--chunk-min", "64"], "--chunk-min: leave it out: fixed chunks have one size\n"),
                (["--chunk-max", "128K"], "--chunk-avg sets one average for all files"),
                (["--chunk-min", "1M"], "--chunk-avg sets one average for all files"),
                (["--direct", "--backend", "mmap"], "--direct does not go together with --backend mmap"),
                (["--exclude", ""], "--exclude ''"), (["--exclude", "x[a-z"], "a [ has no ]"),
                (["--exclude", "[]"], "a [ has no ]"), (["--exclude", "[a\\]"], "a [ has no ]")):
            with self.subTest(arguments):
                self.assertIn(said, self.refused("ingest", *arguments, "a"))
        self.write("m.toml", b'[performance]\nbackend = "mmap"\n')
        self.assertIn('backend = "mmap"', self.refused("ingest", "--config", "m.toml", "--direct", "a"))
        self.write("a", b"x")
        for glob in ("[a]", "[]]", "[!]]", "\\[", "[[]", "a]"):
            self.assertEqual(self.weir("ingest", "--exclude", glob, "a").returncode, 0, glob)

    def test_words_that_are_none_are_refused_with_those_allowed(self):
        for option, words in (("--chunker", "weir1"), ("--hash", "sha512-256"), ("--backend", "threads"),
                              ("--progress", "never"), ("--file-digest=x", "sha256")):
            arguments = [option] if "=" in option else [option, "x"]
            self.assertIn(words, self.refused("ingest", *arguments, "a"))

    def test_a_kernel_level_that_does_not_exist_is_refused(self):
        self.write("a", b"x")
        for arguments in (("ingest", "--json", "a"), ("config",), ("version",), ("cat", "a"), ("compress", "a")):
            self.assertIn("quantum", self.refused(*arguments, environment={"WEIR_CPU": "quantum"}))

    def test_a_pool_that_is_too_small_for_the_chunks_is_refused(self):
        self.write("a", noise(100_000))
        self.refused("ingest", "--memory", "1M", "--chunk-avg", "4M", "a")

    def test_a_configuration_that_is_wrong_is_refused(self):
        self.write("a", b"x")
        self.write("bad.toml", b"[chunking]\naverage = \"64Q\"\n")
        self.write("worse.toml", b"[chunking\n")
        self.write("unknown.toml", b"[chunking]\n\nfrob = 3\n")
        text = self.refused("ingest", "--config", "bad.toml", "a")
        self.assertIn("bad.toml:2", text)
        self.assertIn('"64Q"', text)
        self.assertIn("chunking.average", text)
        self.assertIn("worse.toml:1", self.refused("ingest", "--config", "worse.toml", "a"))
        self.assertIn("unknown.toml:3", self.refused("config", "--config", "unknown.toml"))
        self.assertIn("missing.toml", self.refused("ingest", "--config", "missing.toml", "a"))


class Report(CommandTest):
    def test_a_report_says_what_was_done(self):
        self.write("t/a", noise(300_000))
        self.write("t/b", noise(300_000))
        result = self.weir("ingest", "t")
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        text = result.stdout.decode()
        self.assertRegex(text, r"(?m)^files +2$")
        self.assertRegex(text, r"(?m)^bytes +585\.9 KiB \(600,000\)$")
        self.assertRegex(text, r"(?m)^dedup ratio +2\.00$")
        for row in ("chunks", "unique chunks", "throughput", "peak memory", "back end", "kernels"):
            self.assertRegex(text, rf"(?m)^{row} +\S")

    def test_errors_are_lines_on_standard_error_unless_json_is_asked_for(self):
        result = self.weir("ingest", "missing")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.decode(), r"^weir: .*missing.*\n$")
        self.assertRegex(result.stdout.decode(), r"(?m)^failed +1$")
        self.assertEqual(self.weir("ingest", "--json", "missing").stderr, b"")

    def test_quiet_prints_errors_only(self):
        self.write("a", b"x")
        self.assertEqual(self.weir("ingest", "--quiet", "a").stdout, b"")
        result = self.weir("ingest", "--quiet", "a", "missing")
        self.assertEqual((result.returncode, result.stdout, result.stderr.count(b"\n")), (1, b"", 1))


class Output(CommandTest):
    """Results that cannot be written."""

    def start(self, *arguments, **options):
        return super().start(*arguments, stderr=subprocess.PIPE, **options)

    def test_a_full_disk_is_exit_code_3(self):
        self.write("a", noise(3_000_000))
        for arguments in (["ingest", "a"], ["ingest", "--json", "--chunk-avg", "1K", "a"], ["--help"], ["version"],
                          ["config"], ["ingest", "--help"], ["diff", "a", "a"]):
            with self.subTest(arguments), open("/dev/full", "wb") as full:
                result = subprocess.run([WEIR, *arguments], cwd=self.directory, stdout=full, stderr=subprocess.PIPE,
                                        timeout=PATIENCE)
                self.assertEqual(result.returncode, 3)
                self.assertIn(b"no space left", result.stderr.lower())

    def test_a_file_that_may_not_grow_is_exit_code_3(self):
        self.write("a", noise(3_000_000))
        for arguments in (["ingest", "--json", "--chunk-avg", "1K", "a"], ["cat", "a"]):
            with self.subTest(arguments), open(self.directory / "out", "wb") as out:
                result = subprocess.run([WEIR, *arguments], cwd=self.directory, stdout=out, stderr=subprocess.PIPE, timeout=PATIENCE,
                                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
                self.assertEqual(result.returncode, 3)
                self.assertIn(b"file too large", result.stderr.lower())

    def test_a_check_whose_verdicts_cannot_be_written_is_exit_code_3_whenever_it_is_noticed(self):
        for number in range(11):
            self.write(f"t/{number}", noise(40_000, number))
        self.write("list", self.weir("ingest", "--json", "t").stdout)
        for _ in range(12):
            reader, writer = os.pipe()
            os.close(reader)
            with os.fdopen(writer, "wb") as nobody, open("/dev/full", "wb") as full:
                for target, reason in ((nobody, b"broken pipe"), (full, b"no space left")):
                    result = subprocess.run([WEIR, "check", "list"], cwd=self.directory, stdout=target,
                                            stderr=subprocess.PIPE, timeout=PATIENCE)
                    self.assertEqual(result.returncode, 3, result.stderr)
                    self.assertIn(reason, result.stderr)

    def closed(self, redirection, *arguments):
        """Runs with standard descriptors closed by the shell."""
        return subprocess.run(["sh", "-c", f'exec "$@" {redirection}', "sh", WEIR, *arguments], cwd=self.directory,
                              capture_output=True, timeout=PATIENCE)

    def test_closed_standard_descriptors_are_not_taken_for_something_else(self):
        self.write("a", noise(100_000))
        for arguments in (["ingest", "--json", "a"], ["ingest", "a"], ["version"], ["config"]):
            with self.subTest(arguments):
                self.assertEqual(self.closed(">&-", *arguments).returncode, 3)
                self.assertEqual(self.closed("<&- >&- 2>&-", *arguments).returncode, 3)
        result = self.closed("<&-", "ingest", "--json", "-", "a")
        self.assertEqual(result.returncode, 1)
        lines = lines_of(result.stdout)
        self.check_lines(lines)
        self.assertEqual([(line["path"], line["code"]) for line in of_type(lines, "error")], [("-", "EBADF")])
        self.assertEqual([line["path"] for line in of_type(lines, "file")], ["a"])
        self.assertEqual(self.closed("2>&-", "ingest", "--json", "a", "missing").returncode, 1)

    def test_a_broken_pipe_is_exit_code_3(self):
        self.write("a", noise(8_000_000))
        process = self.start("ingest", "--json", "--chunk-avg", "1K", "a", stdout=subprocess.PIPE)
        process.stdout.read(100)
        process.stdout.close()
        self.assertEqual(process.wait(PATIENCE), 3)
        self.assertIn(b"broken pipe", process.stderr.read().lower())

    def test_a_broken_pipe_ends_endless_input(self):
        with open("/dev/zero", "rb") as zeros:
            process = self.start("ingest", "--json", "-", stdin=zeros, stdout=subprocess.PIPE)
            process.stdout.close()
            self.assertEqual(process.wait(PATIENCE), 3)

    def test_a_slow_reader_gets_everything(self):
        content = noise(4_000_000)
        self.write("a", content)
        process = self.start("ingest", "--json", "--chunk-avg", "1K", "a", stdout=subprocess.PIPE)
        received = b""
        while piece := os.read(process.stdout.fileno(), 1000):
            received += piece
        process.stdout.close()
        self.assertEqual(process.wait(PATIENCE), 0)
        lines = lines_of(received)
        self.check_lines(lines)
        self.check_content(lines, "a", content)

    def test_lines_arrive_while_the_input_goes_on(self):
        process = self.start("ingest", "--json", "--chunker", "fixed", "--chunk-avg", "4K", "-", stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
        content = noise(8192)
        process.stdin.write(content)
        process.stdin.flush()
        received = b""
        while received.count(b"\n") < 2:
            ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
            self.assertTrue(ready, "no line although a chunk is complete")
            received += os.read(process.stdout.fileno(), 65536)
        self.assertEqual([json.loads(line)["offset"] for line in received.splitlines()], [0, 4096])
        process.stdin.close()
        process.stdout.read()
        process.stdout.close()
        self.assertEqual(process.wait(PATIENCE), 0)


class Signals(CommandTest):
    """A signal ends the command soon, with its summary."""

    def interrupt(self, number, *arguments, stdin):
        process = subprocess.Popen([WEIR, "ingest", "--json", *arguments], cwd=self.directory, stdin=stdin,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.addCleanup(process.kill)
        first = process.stdout.readline()
        process.send_signal(number)
        sent = time.monotonic()
        rest, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, time.monotonic() - sent, lines_of(first + rest)

    def test_sigint_and_sigterm_end_it_with_a_summary(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number), open("/dev/zero", "rb") as zeros:
                returned, seconds, lines = self.interrupt(number, "-", stdin=zeros)
                self.assertEqual(returned, code)
                self.check_lines(lines)
                self.assertIs(lines[-1]["interrupted"], True)
                # 100 ms are promised; a sanitizer and a busy machine come on top.
                self.assertLess(seconds, 5.0)

    def test_it_ends_while_standard_input_says_nothing(self):
        reader, writer = os.pipe()
        os.write(writer, noise(50_000))  # fits into a pipe
        with os.fdopen(reader, "rb") as stdin, os.fdopen(writer, "wb"):
            returned, seconds, lines = self.interrupt(signal.SIGTERM, "--chunk-avg", "4K", "-", stdin=stdin)
        self.assertEqual(returned, 143)
        self.assertIs(lines[-1]["interrupted"], True)
        self.assertLess(seconds, 5.0)

    def test_it_ends_although_nobody_reads_its_output(self):
        with open("/dev/zero", "rb") as zeros:
            process = subprocess.Popen([WEIR, "ingest", "--json", "--chunk-avg", "1K", "-"], stdin=zeros,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(process.kill)
            process.stdout.readline()
            wait_until_full(process.stdout)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(PATIENCE), 130)
            process.stdout.close()
            process.stderr.close()

    def test_the_report_says_that_it_was_interrupted(self):
        reader, writer = os.pipe()
        with os.fdopen(reader, "rb") as stdin, os.fdopen(writer, "wb"):
            process = subprocess.Popen([WEIR, "ingest", "--progress", "always", "-"], stdin=stdin,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(process.kill)
            process.stderr.readline()  # the first line of progress: it listens to signals
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 130)
        self.assertIn(b"interrupted", output)


class Progress(CommandTest):
    def in_terminal(self, *arguments, stdin, until):
        """Runs with standard error on a terminal until `until` has appeared there, ends the input; gives all of it."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        process = subprocess.Popen([WEIR, *arguments], cwd=self.directory, stdin=stdin, stdout=subprocess.PIPE,
                                   stderr=slave)
        self.addCleanup(process.kill)
        os.close(slave)
        seen = b""
        ended = False
        while True:
            if not ended and until in seen:
                ended = True
                process.send_signal(signal.SIGINT)
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            seen += piece
        os.close(master)
        process.stdout.read()
        process.stdout.close()
        process.wait(PATIENCE)
        return seen.decode()

    def test_a_terminal_gets_a_bar_after_a_second_and_loses_it_at_the_end(self):
        with open("/dev/zero", "rb") as zeros:
            seen = self.in_terminal("ingest", "--json", "-", stdin=zeros, until=b"/s  ")
        self.assertRegex(seen, r"\r[\d.]+ [KMGT]iB  [\d.]+ [KMGT]?i?B/s  \d+ files  0:01")
        self.assertTrue(seen.endswith("\r\x1b[K"), repr(seen[-40:]))

    def test_a_bar_has_share_and_time_left_where_the_size_is_known(self):
        path = self.write("sparse", b"")
        os.truncate(path, 1 << 40)
        with open(os.devnull, "rb") as nothing:
            seen = self.in_terminal("ingest", "--json", "--progress", "always", "sparse", stdin=nothing, until=b"ETA")
        self.assertRegex(seen, r"\[[#.]{24}\] +\d+%  .* of 1 TiB  .*  ETA \d+:\d\d")

    def test_without_a_terminal_nothing_is_drawn_unless_lines_are_wanted(self):
        self.write("a", noise(1000))
        self.assertEqual(self.weir("ingest", "a").stderr, b"")
        self.assertEqual(self.weir("ingest", "--progress", "never", "a").stderr, b"")
        result = self.weir("ingest", "--progress", "always", "a")
        self.assertRegex(result.stderr.decode(), r"1000 B .*1 file .*\n$")  # behind a bar once the size is known
        self.assertNotIn(b"\x1b", result.stderr)
        self.assertNotIn(b"\r", result.stderr)

    def test_short_work_draws_nothing_on_a_terminal(self):
        self.write("a", noise(1000))
        with open(os.devnull, "rb") as nothing:
            seen = self.in_terminal("ingest", "--json", "a", stdin=nothing, until=b"never")
        self.assertEqual(seen, "")


class Changing(CommandTest):
    """Files that change while they are read: nobody reads the output, so the reading stands still in mid-file."""

    SIZE = 64 << 20

    def ingest_changing(self, change, *arguments):
        """Ingests a file of SIZE bytes and calls `change(path)` in the middle; gives exit code and lines."""
        path = self.write("file", noise(1 << 20) * (self.SIZE >> 20))
        process = subprocess.Popen([WEIR, "ingest", "--json", "--chunker", "fixed", "--chunk-avg", "512", *arguments,
                                    "file"], cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        wait_until_full(process.stdout)
        change(path)
        output, _ = process.communicate(timeout=PATIENCE)
        lines = lines_of(output)
        self.check_lines(lines)
        return process.returncode, lines

    def test_a_file_that_shrinks_is_an_error(self):
        for backend in ("auto", "threads", "mmap"):
            with self.subTest(backend):
                code, lines = self.ingest_changing(lambda path: os.truncate(path, 5000), "--backend", backend)
                self.assertEqual(code, 1)
                self.assertEqual(of_type(lines, "file"), [])
                error = of_type(lines, "error")[0]
                self.assertEqual(error["path"], "file")
                self.assertIn(error["code"], ["file_shrank", "mapping_broken"])

    def test_a_file_that_grows_is_read_to_the_end_that_it_has_then(self):
        def grow(path):
            with open(path, "ab") as file:
                file.write(b"x" * 5000)
        code, lines = self.ingest_changing(grow)
        self.assertEqual(code, 0)
        self.assertEqual(of_type(lines, "file")[0]["size"], self.SIZE + 5000)


if __name__ == "__main__":
    main()
