"""What the tests of the weir command share: running it, trees to run it on, and its results worked out again."""

import base64
import fcntl
import hashlib
import json
import os
import pathlib
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

WEIR = os.environ.get("WEIR", "weir")
CURL = shutil.which("curl")
# Generous: a machine that is busy with other tests is no reason to fail.
PATIENCE = 120


def run(*arguments, stdin=b"", environment=None, **options):
    """Runs the command; gives its exit code and the bytes of both outputs."""
    return subprocess.run([WEIR, *arguments], input=stdin, capture_output=True, timeout=PATIENCE,
                          env={**os.environ, **(environment or {})}, **options)


def codecs():
    """What does the work of each codec that is built in."""
    lines = run("version", "--codecs").stdout.decode().splitlines()
    named = dict(line.split(maxsplit=1) for line in lines)
    assert named.pop("identity") == "a copy"
    assert set(named) == {"zstd", "lz4", "gzip", "zlib", "deflate", "xz", "lzma"}, named
    return {name: text for name, text in named.items() if text != "not built in"}


def lines_of(output):
    """The objects of JSON Lines; fails where a line is none."""
    text = output.decode("utf-8")
    assert text == "" or text.endswith("\n"), "the last line is not ended"
    return [json.loads(line) for line in text.split("\n")[:-1]]


def of_type(lines, kind):
    return [line for line in lines if line["type"] == kind]


def with_sums(lines):
    """A list of these lines of others, with a summary that fits."""
    lines = [line for line in lines if b'"type":"summary"' not in line]
    objects = lines_of(b"".join(lines))
    chunks = of_type(objects, "chunk")
    sums = {"type": "summary", "files": len(of_type(objects, "file")), "chunks": len(chunks),
            "bytes": sum(chunk["length"] for chunk in chunks), "interrupted": False}
    return b"".join(lines) + json.dumps(sums).encode() + b"\n"


def merkle_root(leaves, new=hashlib.sha256):
    """RFC 6962, section 2.1."""
    if not leaves:
        return new(b"").digest()
    if len(leaves) == 1:
        return new(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return new(b"\1" + merkle_root(leaves[:split], new) + merkle_root(leaves[split:], new)).digest()


def root_of_chunks(chunks, key="sha256", new=hashlib.sha256):
    return merkle_root([bytes.fromhex(c[key]) + c["length"].to_bytes(8, "little") for c in chunks], new).hex()


def path_bytes(line):
    """The exact path of a line."""
    return base64.b64decode(line["path_base64"]) if "path_base64" in line else line["path"].encode()


def noise(size, seed=1):
    """Bytes that do not compress and are the same each time."""
    return hashlib.shake_256(str(seed).encode()).digest(size)


def wait_until_still(look, is_full, what):
    """Returns when what `look` gives has long stopped changing and `is_full` of it."""
    deadline = time.monotonic() + PATIENCE
    before, quiet_looks = None, 0
    while quiet_looks < 25:
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} never filled")
        seen = look()
        quiet_looks = quiet_looks + 1 if seen == before and is_full(seen) else 0
        before = seen
        select.select([], [], [], 0.02)


def wait_until_full(pipe):
    """Returns when the writer waits for a reader."""
    half = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) // 2
    wait_until_still(lambda: struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))[0],
                     lambda waiting: waiting > half, "the pipe")


def unsent_bytes(port):
    """What the system holds of each connection of a server on the loopback interface that its clients do not take."""
    table = pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    rows = [line.split() for line in table]
    return [int(row[4].split(":")[0], 16) for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"]


class CommandTest(unittest.TestCase):
    """A directory of its own for each test, which is the working directory of what it runs."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-command-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def write(self, name, content):
        path = os.path.join(os.fsencode(self.directory), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def weir(self, *arguments, **options):
        return run(*arguments, cwd=self.directory, **options)

    def start(self, *arguments, **options):
        """Starts the command; it is gone when the test is."""
        process = subprocess.Popen([WEIR, *arguments], cwd=self.directory, **options)

        def end():
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        self.addCleanup(end)
        return process

    def check_peak_memory(self, process, most):
        """That a process that still runs never had more bytes. AddressSanitizer has many times that for itself."""
        if "ASAN_OPTIONS" not in os.environ:
            self.assertLess(self.memory(process, "VmHWM"), most)

    @staticmethod
    def memory(process, what="VmRSS"):
        """Bytes that a process has now, or has had at most (VmHWM)."""
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) * 1024

    def start_origin(self, script, *arguments):
        """Starts `weir origin`; gives its process, and what it listens on: a URL, or unix:PATH."""
        self.write("script", script.encode())
        process = self.start("origin", *arguments, "script", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = process.stdout.readline().decode()
        self.assertRegex(line, r"^listening on (http://127\.0\.0\.1:\d+|unix:.+)\n$")
        return process, line.removeprefix("listening on ").strip()

    def curl(self, *arguments):
        """Runs curl, whatever proxies the environment names."""
        return subprocess.run([CURL, "--silent", "--noproxy", "", *arguments], cwd=self.directory, timeout=PATIENCE,
                              capture_output=True, env={k: v for k, v in os.environ.items() if "proxy" not in k.lower()})

    def ingest(self, *arguments, code=0, **options):
        """Runs `ingest --json`; checks the exit code and what holds for every output; gives the lines."""
        result = self.weir("ingest", "--json", *arguments, **options)
        self.assertEqual(result.returncode, code, result.stderr.decode(errors="replace"))
        lines = lines_of(result.stdout)
        self.check_lines(lines)
        return lines

    def check_lines(self, lines):
        """What holds for the output of every run: sums are those of the lines, chunks are without gaps, roots fit."""
        summary = lines[-1]
        self.assertEqual(summary["type"], "summary")
        self.assertEqual(len(of_type(lines, "summary")), 1)
        chunks = of_type(lines, "chunk")
        self.assertEqual(summary["files"], len(of_type(lines, "file")))
        self.assertEqual(summary["errors"], len(of_type(lines, "error")))
        self.assertEqual(summary["chunks"], len(chunks))
        self.assertEqual(summary["bytes"], sum(c["length"] for c in chunks))
        self.assertLessEqual(summary["unique_chunks"], summary["chunks"])
        self.assertLessEqual(summary["unique_bytes"], summary["bytes"])
        seen = {}
        for line in lines:
            if line["type"] == "chunk":
                before = seen.setdefault(path_bytes(line), [])
                end = before[-1]["offset"] + before[-1]["length"] if before else 0
                self.assertEqual(line["offset"], end, "chunks of one file follow each other")
                before.append(line)
            elif line["type"] == "file":
                mine = seen.pop(path_bytes(line), [])
                self.assertEqual(line["chunks"], len(mine))
                self.assertEqual(line["size"], sum(c["length"] for c in mine))

    def check_content(self, lines, path, content, key="sha256", new=hashlib.sha256):
        """The lines of one file are those of this content."""
        chunks = [c for c in of_type(lines, "chunk") if path_bytes(c) == os.fsencode(path)]
        files = [f for f in of_type(lines, "file") if path_bytes(f) == os.fsencode(path)]
        self.assertEqual(len(files), 1, path)
        self.assertEqual(files[0]["size"], len(content))
        for chunk in chunks:
            piece = content[chunk["offset"]:chunk["offset"] + chunk["length"]]
            self.assertEqual(chunk[key], new(piece).hexdigest())
        self.assertEqual(files[0]["root"], root_of_chunks(chunks, key, new))
        return chunks


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
