"""Runs commands, and measures their time and memory."""

import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass


@dataclass
class Outcome:
    seconds: float
    peak_bytes: int  # as the kernel counted it; not below this script's own peak, some 16 MiB
    code: int
    cpu_seconds: float  # in user and kernel mode


class Failed(Exception):
    """A command that had to succeed did not."""


def measure(command, feed=None, packets=False, env=None, check=True):
    """Runs a command with its output dropped. `feed(descriptor)`, where given, writes its standard input.

    In a pipe of packets each write is read alone, so that small writes stay small.
    """
    reading = subprocess.DEVNULL
    if feed:
        reading, writing = os.pipe2(os.O_CLOEXEC | (os.O_DIRECT if packets else 0))
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=reading,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})},
    )
    if feed:
        os.close(reading)
        threading.Thread(target=feed, args=(writing,), daemon=True).start()
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if check and process.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: exit {process.returncode}: {complaint.decode(errors='replace')[-400:]}")
    return Outcome(seconds, usage.ru_maxrss << 10, process.returncode, usage.ru_utime + usage.ru_stime)


def interleave(candidates, rounds, before_each=None):
    """Median seconds of each candidate: name -> callable giving seconds. A B A B ..., each round begun by another."""
    times = {name: [] for name in candidates}
    names = list(candidates)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            if before_each:
                before_each()
            times[name].append(candidates[name]())
    return {name: statistics.median(values) for name, values in times.items()}
