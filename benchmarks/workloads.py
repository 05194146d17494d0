"""What the benchmarks read: files, trees and pipes, made here, and put into or out of the page cache.

Nothing here holds more than a block: a child's peak memory, as the kernel counts it, begins with its parent's.
"""

import os
import random
import shutil

BLOCK = 1 << 20


def random_file(path, size):
    """`size` bytes that nothing repeats."""
    with open(path, "wb") as out:
        for start in range(0, size, BLOCK):
            out.write(os.urandom(min(BLOCK, size - start)))
        out.flush()
        os.fsync(out.fileno())
    return path


def sparse_file(path, size):
    with open(path, "wb") as out:
        out.truncate(size)
    return path


def tree_of_small_files(root, count, least, most, seed=1):
    """`count` files of `least` to `most` bytes, 100 a directory."""
    sizes = random.Random(seed)
    for number in range(count):
        directory = root / f"{number // 10_000:03}" / f"{number // 100 % 100:02}"
        if number % 100 == 0:
            directory.mkdir(parents=True)
        (directory / f"{number % 100:02}").write_bytes(os.urandom(sizes.randint(least, most)))
    return root


def warm(path):
    """Reads a file into the page cache."""
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(BLOCK)
        while file.readinto(buffer):
            pass


def cool(path):
    """Drops a file from the page cache."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def available_memory():
    with open("/proc/meminfo", encoding="utf-8") as info:
        return next(int(line.split()[1]) << 10 for line in info if line.startswith("MemAvailable:"))


def fitting(size, directory):
    """`size`, or less where page cache or disk cannot hold it (and a backup of it) besides the rest."""
    room = min(available_memory() * 2 // 3, shutil.disk_usage(directory).free // 3)
    return min(size, room // BLOCK * BLOCK)


def feed_endlessly(descriptor, deadline):
    """Writes random blocks until `deadline()` or until nobody reads."""
    block = os.urandom(BLOCK)
    try:
        while not deadline():
            os.write(descriptor, block)
    except BrokenPipeError:
        pass
    finally:
        os.close(descriptor)


def feed_bytewise(descriptor, size):
    """Writes `size` single bytes."""
    data = os.urandom(BLOCK)
    try:
        for position in range(size):
            os.write(descriptor, data[position % BLOCK : position % BLOCK + 1])
    except BrokenPipeError:
        pass
    finally:
        os.close(descriptor)
