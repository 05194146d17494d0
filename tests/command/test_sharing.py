"""What the command shares with others: open files whose mode is not its own, and a standard error that nobody reads."""

import fcntl
import os
import pathlib
import pty
import select
import signal
import socket
import subprocess
import threading
import time
import tty

from harness import PATIENCE, WEIR, CommandTest, lines_of, main, noise, of_type, wait_until_full


def waits(descriptor):
    """Whether reads and writes of it wait; of the open file, which all its descriptors have in common."""
    return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_NONBLOCK == 0


def wait_until_asleep(process):
    """Returns when it waits for something, or has ended."""
    deadline = time.monotonic() + PATIENCE
    looks = 0
    while looks < 5 and process.poll() is None:
        if time.monotonic() > deadline:
            raise AssertionError("it never waits")
        state = pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
        looks = looks + 1 if state == "S" else 0
        select.select([], [], [], 0.01)


class Modes(CommandTest):
    """Who has the other descriptor of an open file finds it as it was: the shell, and the rest of a pipeline."""

    def setUp(self):
        super().setUp()
        self.ours = []
        self.addCleanup(lambda: [os.close(each) for each in self.ours])
        self.write("t/large", noise(3_000_000))

    def keep(self, *descriptors):
        """Closes them when the test ends."""
        self.ours += descriptors
        return descriptors

    def close(self, descriptor):
        self.ours.remove(descriptor)
        os.close(descriptor)

    def pairs(self):
        """What reads and what writes: pipes, sockets."""
        yield "pipe", self.keep(*os.pipe())
        yield "socket", self.keep(*(each.detach() for each in socket.socketpair()))

    def test_standard_input_keeps_its_mode(self):
        for arguments in (("ingest", "--json", "--chunk-avg", "4K", "-"), ("cat", "-"), ("cat", "--decompress=gzip", "-")):
            for kind, (reader, writer) in self.pairs():
                with self.subTest(arguments=arguments, kind=kind):
                    process = self.start(*arguments, stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    if "--decompress=gzip" not in arguments:
                        os.write(writer, noise(50_000))
                        self.assertNotEqual(os.read(process.stdout.fileno(), 10), b"")
                    self.assertTrue(waits(reader))
                    self.close(writer)
                    process.communicate(timeout=PATIENCE)
                    self.assertTrue(waits(reader))

    def test_standard_output_keeps_its_mode_also_while_it_is_full(self):
        for arguments in (("ingest", "--json", "--chunk-avg", "256", "t/large"), ("cat", "t/large")):
            for kind, (reader, writer) in self.pairs():
                with self.subTest(arguments=arguments, kind=kind):
                    process = self.start(*arguments, stdout=writer, stderr=subprocess.PIPE)
                    if kind == "pipe":
                        wait_until_full(reader)
                    else:
                        self.assertNotEqual(os.read(reader, 10), b"")
                    self.assertTrue(waits(writer))
                    while process.poll() is None:
                        if select.select([reader], [], [], 0.01)[0]:
                            os.read(reader, 1 << 20)
                    self.assertEqual(process.returncode, 0)
                    self.assertTrue(waits(writer))

    def test_a_terminal_keeps_its_mode(self):
        for arguments in (("ingest", "--json", "-"), ("ingest", "--json", "--progress", "always", "t", "missing"),
                          ("cat", "-"), ("check", "-"), ("diff", "t", "t"), ("ls", "t/large")):
            with self.subTest(arguments=arguments):
                master, slave = self.keep(*pty.openpty())
                tty.setraw(slave)
                process = self.start(*arguments, stdin=slave, stdout=slave, stderr=slave)
                if "-" in arguments:
                    os.write(master, b"some lines\n")
                    self.assertTrue(waits(slave))
                    process.send_signal(signal.SIGTERM)
                while process.poll() is None:
                    if select.select([master], [], [], 0.01)[0]:
                        os.read(master, 65536)
                self.assertTrue(waits(slave))

    def shell(self, script, expected):
        result = subprocess.run(["sh", "-c", script], cwd=self.directory, env={**os.environ, "WEIR": WEIR},
                                capture_output=True, timeout=PATIENCE)
        self.assertEqual((result.stdout.strip(), result.stderr), (expected, b""))

    def test_who_writes_behind_it_loses_nothing(self):
        self.shell('{ "$WEIR" ingest --json --quiet t/large >/dev/null; "$WEIR" version; head -c 300000 /dev/zero; }'
                   '| { sleep 0.3; tail -c +12 | wc -c; }', b"300000")
        self.shell('{ "$WEIR" ingest --json t/large; head -c 300000 /dev/zero | cat; }'
                   '| { sleep 0.3; tr -d -c "\\000" | wc -c; }', b"300000")

    def test_who_reads_behind_it_can_wait(self):
        reader, writer = self.keep(*os.pipe())
        process = self.start("ingest", "--json", "--chunk-avg", "4K", "-", stdin=reader, stdout=subprocess.PIPE)
        os.write(writer, noise(50_000))
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 143)
        behind = subprocess.Popen(["cat"], stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(behind.kill)
        writing = threading.Timer(0.1, lambda: (os.write(writer, b"later"), self.close(writer)))
        writing.start()
        self.assertEqual(behind.communicate(timeout=PATIENCE), (b"later", b""))
        writing.join()

    def test_a_mode_that_others_have_set_is_no_error(self):
        text = self.weir("ingest", "--json", "t").stdout
        inputs = {("check", "-"): text, ("ingest", "--files-from", "-"): b"t\n", ("cat", "-"): b"x", ("ingest", "-"): b"x"}
        self.write("of-input", self.weir("ingest", "--json", "-", stdin=noise(1000)).stdout)
        inputs["check", "of-input"] = noise(1000)
        for arguments, content in inputs.items():
            with self.subTest(arguments=arguments):
                reader, writer = self.keep(*os.pipe())
                os.set_blocking(reader, False)
                process = self.start(*arguments, stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for byte in content[:3]:
                    wait_until_asleep(process)  # nothing is there
                    os.write(writer, bytes([byte]))
                os.write(writer, content[3:])
                self.close(writer)
                process.communicate(timeout=PATIENCE)
                self.assertEqual(process.returncode, 0)
        for arguments in (("config",), ("cat", "t/large"), ("ingest", "--json", "t"), ("decompress", "-t", "missing")):
            with self.subTest(arguments=arguments):
                reader, writer = self.keep(*os.pipe())
                os.set_blocking(writer, False)
                fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
                os.write(writer, b"x" * 4096)
                process = self.start(*arguments, stdout=writer, stderr=writer)
                self.close(writer)
                wait_until_asleep(process)  # the pipe is full
                with os.fdopen(os.dup(reader), "rb") as all_of_it:
                    received = all_of_it.read()[4096:]
                expected = self.weir(*arguments)
                self.assertEqual(process.wait(PATIENCE), expected.returncode)
                if arguments[0] != "ingest":  # which says how long it took
                    self.assertEqual(received, expected.stdout + expected.stderr)
                else:
                    self.assertEqual(received.count(b"\n"), expected.stdout.count(b"\n"))

    def test_both_outputs_may_be_one_slow_pipe(self):
        reader, writer = self.keep(*os.pipe())
        names = [f"missing-{i}" for i in range(3000)]
        process = self.start("ingest", *names, "t", stdout=writer, stderr=writer)
        self.close(writer)
        wait_until_full(reader)
        with os.fdopen(os.dup(reader), "rb") as all_of_it:
            lines = all_of_it.read().decode().splitlines()
        self.assertEqual(process.wait(PATIENCE), 1)
        said = [line for line in lines if line.startswith("weir: ")]
        self.assertEqual(sorted(line.split()[2].rstrip(":") for line in said), sorted(names))
        self.assertEqual(lines[:3000], said)
        self.assertEqual(lines[3000].split(), ["files", "1"])


class Alone(CommandTest):
    def test_a_signal_ends_the_wait_for_the_other_end_of_a_fifo(self):
        os.mkfifo(self.directory / "fifo")
        self.write("a", b"a")
        url = "http://127.0.0.1:1/"  # not asked: it waits before
        for arguments in (["ls", "fifo"], ["ls", "--json", "a", "fifo"], ["cat", "fifo"], ["cat", "-o", "fifo", url],
                          ["ingest", "fifo"], ["ingest", "--files-from", "fifo"], ["check", "fifo"], ["diff", "fifo", "a"],
                          ["compress", "-o", "fifo", "a"], ["decompress", "-t", "fifo"]):
            with self.subTest(arguments):
                process = self.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                wait_until_asleep(process)
                process.send_signal(signal.SIGTERM)
                # By the signal itself where nothing had begun that it would leave behind.
                self.assertIn(process.wait(PATIENCE), (143, -signal.SIGTERM))


class Unread(CommandTest):
    """Nobody reads standard error: the command can be ended all the same."""

    def start_unread(self, *arguments, **options):
        process = self.start(*arguments, stderr=subprocess.PIPE, **options)
        wait_until_full(process.stderr)
        return process

    def assert_ended(self, process, code):
        sent = time.monotonic()
        self.assertEqual(process.wait(PATIENCE), code)
        # 100 ms are promised; a sanitizer and a busy machine come on top.
        self.assertLess(time.monotonic() - sent, 5.0)

    def names(self):
        return [f"missing-{i}-{'x' * 30}" for i in range(3000)]

    def test_one_signal_ends_it_with_the_summary(self):
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            with self.subTest(number):
                process = self.start_unread("ingest", *self.names(), stdout=subprocess.PIPE)
                process.send_signal(number)
                self.assert_ended(process, code)
                self.assertTrue(process.stdout.read().startswith(b"interrupted"))

    def test_so_do_those_of_other_subcommands(self):
        self.write("list", b"nonsense\n" * 20_000)
        for arguments in (("check", "list"), ("ls", *self.names())):
            with self.subTest(arguments[0]):
                process = self.start_unread(*arguments, stdout=subprocess.DEVNULL)
                process.send_signal(signal.SIGTERM)
                self.assert_ended(process, 143)

    def test_progress_that_nobody_reads_is_left_out(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.write(writer, b"x" * 4096)
        with open("/dev/zero", "rb") as zeros:
            process = self.start("cat", "--progress", "always", "-", stdin=zeros, stdout=subprocess.PIPE, stderr=writer)
        os.close(writer)
        until = time.monotonic() + 2.5  # two lines of progress, and one had blocked it
        while time.monotonic() < until:
            self.assertNotEqual(os.read(process.stdout.fileno(), 1 << 20), b"")
        process.send_signal(signal.SIGTERM)
        process.stdout.close()
        self.assertIn(process.wait(PATIENCE), (143, 3))

    def test_nothing_is_lost_for_a_reader_who_comes_late(self):
        process = self.start_unread("ingest", *self.names(), stdout=subprocess.DEVNULL)
        said = process.stderr.read().decode().splitlines()
        self.assertEqual(process.wait(PATIENCE), 1)
        self.assertEqual(sorted(line.split()[2].rstrip(":") for line in said), sorted(self.names()))

    def test_a_second_signal_ends_it_at_once(self):
        process = self.start_unread("ingest", *self.names(), stdout=subprocess.DEVNULL)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        self.assertIn(process.wait(PATIENCE), (130, 143))

    def test_a_signal_that_is_ignored_stays_so(self):
        reader, writer = os.pipe()
        process = self.start("ingest", "--json", "--chunk-avg", "4K", "-", stdin=reader, stdout=subprocess.PIPE,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        os.close(reader)
        os.write(writer, noise(50_000))
        first = process.stdout.readline()
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        ignored = int(status.split("SigIgn:")[1].split()[0], 16)
        self.assertTrue(ignored >> (signal.SIGINT - 1) & 1)
        process.send_signal(signal.SIGINT)
        os.close(writer)
        rest, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertIs(of_type(lines_of(first + rest), "summary")[0]["interrupted"], False)


if __name__ == "__main__":
    main()
