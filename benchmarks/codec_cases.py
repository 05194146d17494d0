"""Compression and decompression of files by the command, beside each codec's own tool.

Pace is that of wall clock, as a user waits for it: two threads beside one. On a machine that does other work as well
the tool of one thread loses less, so that the ratio is a lower bound.
"""

import itertools
import os
import subprocess
from pathlib import Path

import workloads
from cases import MIB, Skip, need, rate, seconds
from figures import Figure
from processes import interleave

# The tool with one thread, and how much of the content is worth the time.
TOOLS = {
    "zstd": (("zstd", "-q", "-T1"), 256 * MIB),
    "lz4": (("lz4", "-q"), 256 * MIB),
    "gzip": (("gzip",), 96 * MIB),
    "xz": (("xz", "-q", "-T1"), 96 * MIB),
}
DECODED = {"zstd": (0, 0), "lz4": (0, 0), "gzip": (1.5, 2.5), "xz": (0, 0)}


def mixed_file(path, size):
    """Programs, libraries, headers, documentation and scripts of this machine, one kind after the other."""
    parts = [part for part in map(Path, ("/usr/lib", "/usr/include", "/usr/share", "/usr/bin")) if part.is_dir()]
    share = size // len(parts)
    with open(path, "wb") as out:
        for part in parts:
            end = out.tell() + share
            for file in itertools.takewhile(lambda _: out.tell() < end, sorted(part.rglob("*"))):
                if file.is_file() and not file.is_symlink() and os.access(file, os.R_OK):
                    out.write(file.read_bytes()[: end - out.tell()])
    if path.stat().st_size < size // 2:
        raise Skip("this machine has too few files to make a mixed one of")
    return path


def stored(command, path):
    """The size of a command's output."""
    with subprocess.Popen([*map(str, command), path], stdout=subprocess.PIPE) as process:
        return sum(len(block) for block in iter(lambda: process.stdout.read(MIB), b""))


def compress(run):
    """compression with two threads: beside zstd -T1, lz4, gzip, xz -T1"""
    for codec, (tool, size) in TOOLS.items():
        need(tool[0])
        path = mixed_file(run.work / "mixed", size)
        size = path.stat().st_size
        workloads.warm(path)
        ours, theirs = (run.weir, "compress", "--codec", codec, "-T2", "-c"), (*tool, "-c")
        times = interleave({"weir": lambda: seconds(*ours, path), "tool": lambda: seconds(*theirs, path)}, run.rounds)
        name = f"compress -T2, {codec}"
        yield Figure(name, rate(size, times["weir"]), "GB/s", " ".join(tool), rate(size, times["tool"]), 1.8)
        sizes = (stored(command, path) / MIB for command in (ours, theirs))
        yield Figure(f"{name}: size", next(sizes), "MiB", " ".join(tool), next(sizes), 1.01, at_most=True)
        path.unlink()


def decoded(run, codec, name, *, pack, ours, theirs, bounds):
    """The pace at which both decode what `pack` makes of the content."""
    tool, size = TOOLS[codec]
    need(tool[0])
    path = mixed_file(run.work / "mixed", size)
    size = path.stat().st_size
    packed = run.work / "packed"
    with open(packed, "wb") as out:
        subprocess.run([*pack, "-c", path], stdout=out, check=True)
    path.unlink()
    times = interleave({"weir": lambda: seconds(run.weir, "decompress", *ours, "-c", packed), "tool": lambda: seconds(*theirs, "-d", "-c", packed)}, run.rounds)
    packed.unlink()
    return Figure(name, rate(size, times["weir"]), "GB/s", f"{theirs[0]} -dc", rate(size, times["tool"]), *bounds)


def decompress(run):
    """decompression of what the codecs' own tools wrote: beside them, by one thread"""
    for codec, bounds in DECODED.items():
        tool = TOOLS[codec][0]
        yield decoded(run, codec, f"decompress, {codec}", pack=tool, ours=("-T1", "--codec", codec), theirs=(tool[0], "-q"), bounds=bounds)


def decompress_pieces(run):
    """decompression of streams in pieces with two threads: beside the codecs' own tools"""
    for codec in ("zstd", "lz4", "xz"):
        pack = (run.weir, "compress", "--codec", codec)
        yield decoded(run, codec, f"decompress -T2, {codec}", pack=pack, ours=("-T2",), theirs=TOOLS[codec][0], bounds=(0, 0))


CASES = {"compress": compress, "decompress": decompress, "decompress-pieces": decompress_pieces}
