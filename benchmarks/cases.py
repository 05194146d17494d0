"""The end-to-end cases: the command beside its peers, from files, trees and pipes.

Each case takes the run (command, sizes, work directory) and yields figures, or raises Skip with the reason.
"""

import json
import shutil
import subprocess
import time

import workloads
from figures import Figure
from processes import interleave, measure

GIB, MIB, KIB = 1 << 30, 1 << 20, 1 << 10


class Skip(Exception):
    """The case cannot be measured here."""


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def seconds(*command, **options):
    return measure(command, **options).seconds


def rate(size, duration):
    return size / duration / 1e9


# Speed.


def cached_file(run):
    """a file in the page cache: beside openssl, casync and restic"""
    need("openssl")
    size = workloads.fitting(run.size, run.work)
    path = workloads.random_file(run.work / "random", size)
    workloads.warm(path)
    candidates = {
        "weir": lambda: seconds(run.weir, "ingest", "--quiet", path),
        "openssl dgst -sha256": lambda: seconds("openssl", "dgst", "-sha256", path),
    }
    times = interleave(candidates, run.rounds)
    # The slow ones get a round of their own, beside weir again.
    slow = {"weir": candidates["weir"]}
    if shutil.which("casync"):
        slow["casync digest"] = lambda: seconds("casync", "digest", path)
    if shutil.which("restic"):
        slow["restic backup"] = lambda: restic_backup(run.work / "repository", path)
    slow_times = interleave(slow, 1)
    path.unlink()
    name = f"ingest {size / GIB:.3g} GiB, cached"
    yield Figure(name, rate(size, times["weir"]), "GB/s", "openssl dgst -sha256", rate(size, times["openssl dgst -sha256"]), 2.5, 3.5)
    for peer in list(slow)[1:]:
        yield Figure(name, rate(size, slow_times["weir"]), "GB/s", peer, rate(size, slow_times[peer]))
    for peer in {"casync digest", "restic backup"} - set(slow):
        run.note(f"{peer}: not installed")


def restic_backup(repository, path):
    shutil.rmtree(repository, ignore_errors=True)
    environment = {"RESTIC_PASSWORD": "benchmark", "RESTIC_REPOSITORY": str(repository)}
    measure(("restic", "init", "--quiet"), env=environment)
    took = seconds("restic", "backup", "--quiet", "--no-cache", "--compression", "off", path, env=environment)
    shutil.rmtree(repository)
    return took


def direct(run):
    """the same file cold, by O_DIRECT: beside fio with the same block size and depth"""
    need("fio")
    size = min(workloads.fitting(run.size, run.work), GIB)
    path = workloads.random_file(run.work / "random", size)
    attempt = measure((run.weir, "ingest", "--quiet", "--direct", path), check=False)
    if attempt.code != 0:
        path.unlink()
        raise Skip(f"--direct cannot be used on this file system (exit {attempt.code})")
    command = ("--name=read", f"--filename={path}", "--direct=1", "--rw=read", "--bs=256k", "--iodepth=8", "--readonly")
    times = interleave(
        {
            "weir": lambda: seconds(run.weir, "ingest", "--quiet", "--direct", path),
            "fio": lambda: fio_seconds(*command, "--ioengine=io_uring", "--output-format=json"),
        },
        run.rounds,
        before_each=lambda: workloads.cool(path),
    )
    workloads.warm(path)
    cached = interleave({"weir": lambda: seconds(run.weir, "ingest", "--quiet", path)}, run.rounds)["weir"]
    path.unlink()
    # Where the disk is faster than weir digests, its own cached figure is what can be had.
    bound = min(("fio", rate(size, times["fio"])), ("weir, cached", rate(size, cached)), key=lambda each: each[1])
    yield Figure(f"ingest --direct {size / GIB:.3g} GiB, cold", rate(size, times["weir"]), "GB/s", *bound, 0.9, 1.0)


def fio_seconds(*command):
    """How long fio itself says that the reads took: it starts up slowly."""
    result = subprocess.run(("fio", *command), capture_output=True, check=True)
    return json.loads(result.stdout)["jobs"][0]["read"]["runtime"] / 1000


def cold_file(run):
    """the same file cold, by default: beside dd"""
    need("dd")
    size = min(workloads.fitting(run.size, run.work), GIB)
    path = workloads.random_file(run.work / "random", size)
    times = interleave(
        {
            "weir": lambda: seconds(run.weir, "ingest", "--quiet", path),
            "dd bs=1M": lambda: seconds("dd", f"if={path}", "of=/dev/null", "bs=1M", "status=none"),
        },
        run.rounds,
        before_each=lambda: workloads.cool(path),
    )
    path.unlink()
    yield Figure(f"ingest {size / GIB:.3g} GiB, cold", rate(size, times["weir"]), "GB/s", "dd bs=1M", rate(size, times["dd bs=1M"]), 0.9)


def small_files(run):
    """trees of small files, cached: beside tar"""
    need("tar")
    for count in (1_000, 5_000, 10_000, 20_000):
        root = workloads.tree_of_small_files(run.work / f"tree-{count}", count, KIB, 10 * KIB)
        candidates = {
            "weir": lambda: seconds(run.weir, "ingest", "--quiet", root),
            "tar | cat": lambda: seconds("sh", "-c", 'tar cf - "$1" 2>/dev/null | cat >/dev/null', "sh", root),
        }
        interleave(candidates, 1)  # into the caches
        times = interleave(candidates, max(run.rounds, 5))
        shutil.rmtree(root)
        bounds = (0.75, 0.5) if count == 20_000 else (0, 0)
        yield Figure(f"ingest {count:,} files of 1-10 KiB", times["weir"] * 1e3, "ms", "tar | cat", times["tar | cat"] * 1e3, *bounds, at_most=True)


# Memory.


def peak(name, outcome, limit):
    return Figure(f"peak memory: {name}", outcome.peak_bytes / MIB, "MiB", gate=limit, at_most=True)


DEFAULT_LIMIT, SMALL_LIMIT = 96, 32  # MiB: with two workers, and with --memory 16M


def memory_of_files(run):
    """peak memory on files: large, sparse, many"""
    command = (run.weir, "ingest", "--quiet", "--jobs", "2")
    size = workloads.fitting(run.size, run.work)
    path = workloads.random_file(run.work / "random", size)
    workloads.warm(path)
    yield peak(f"{size / GIB:.3g} GiB file", measure((*command, path)), DEFAULT_LIMIT)
    yield peak(f"{size / GIB:.3g} GiB file, --memory 16M", measure((*command, "--memory", "16M", path)), SMALL_LIMIT)
    tiny_chunks = ("--chunk-min", "64", "--chunk-avg", "256", "--chunk-max", "1K")
    yield peak(f"{size / GIB:.3g} GiB file, chunks from 64 bytes", measure((*command, *tiny_chunks, path)), DEFAULT_LIMIT)
    path.unlink()

    sparse = workloads.sparse_file(run.work / "sparse", 5 * size)
    yield peak(f"{5 * size / GIB:.3g} GiB sparse file", measure((*command, sparse)), DEFAULT_LIMIT)
    sparse.unlink()

    root = workloads.tree_of_small_files(run.work / "tiny", run.tiny_files, 1, 300)
    yield peak(f"{run.tiny_files:,} tiny files", measure((*command, root)), DEFAULT_LIMIT)
    yield peak(f"{run.tiny_files:,} tiny files, --memory 16M", measure((*command, "--memory", "16M", root)), SMALL_LIMIT)
    shutil.rmtree(root)

    root = workloads.tree_of_small_files(run.work / "middling", 64, MIB, MIB)
    for memory, limit in (("16M", SMALL_LIMIT), ("64M", DEFAULT_LIMIT)):
        name = f"64 files of 1 MiB, chunks from 64 bytes, --memory {memory}"
        yield peak(name, measure((*command, *tiny_chunks, "--memory", memory, root)), limit)
    shutil.rmtree(root)


def memory_of_pipes(run):
    """peak memory on standard input: long, and byte by byte"""
    command = (run.weir, "ingest", "--quiet", "--jobs", "2")

    def for_seconds(duration):
        end = time.monotonic() + duration
        return lambda descriptor: workloads.feed_endlessly(descriptor, lambda: time.monotonic() > end)

    name = f"standard input for {run.seconds} s"
    long = measure((*command, "-"), feed=for_seconds(run.seconds))
    yield peak(name, long, DEFAULT_LIMIT)
    # Flat: what the first tenth needed is what the whole needs, but for the digests that unique chunks are counted by,
    # which take 8 MiB at the most.
    short = measure((*command, "-"), feed=for_seconds(run.seconds / 10))
    yield Figure(f"peak memory: {name}, growth", (long.peak_bytes - short.peak_bytes) / MIB, "MiB", gate=8, at_most=True)
    yield peak(f"{name}, --memory 16M", measure((*command, "--memory", "16M", "-"), feed=for_seconds(run.seconds)), SMALL_LIMIT)

    sizes = ("--chunk-min", "1M", "--chunk-avg", "2M", "--chunk-max", "8M")
    pool = smallest_pool(run, sizes)
    outcome = measure(
        (*command, *sizes, "--memory", str(pool), "-"),
        feed=lambda descriptor: workloads.feed_bytewise(descriptor, 12 * MIB),
        packets=True,
    )
    limit = pool // MIB + 16
    yield peak(f"single bytes, chunks to 8 MiB, the smallest pool ({pool / MIB:.4g} MiB)", outcome, limit)


def smallest_pool(run, sizes):
    """The least --memory that these chunk sizes are accepted with, to 256 KiB."""
    step, least, most = 256 * KIB, 0, 256 * MIB // (256 * KIB)
    while least + 1 < most:
        middle = (least + most) // 2
        code = measure((run.weir, "ingest", "--quiet", "--jobs", "2", *sizes, "--memory", str(middle * step), "-"), check=False).code
        least, most = (least, middle) if code == 0 else (middle, most)
    return most * step


CASES = {
    "cached-file": cached_file,
    "direct": direct,
    "cold-file": cold_file,
    "small-files": small_files,
    "memory-files": memory_of_files,
    "memory-pipes": memory_of_pipes,
}
