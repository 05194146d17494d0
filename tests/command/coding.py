"""What the tests of weir compress and weir decompress have in common."""

import os
import select
import time

from harness import PATIENCE, CommandTest, codecs, noise, run

SUFFIX = {"zstd": ".zst", "lz4": ".lz4", "gzip": ".gz", "zlib": ".zz", "deflate": ".deflate", "xz": ".xz",
          "lzma": ".lzma"}
WITHOUT_MAGIC = {"deflate", "lzma"}
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


def compressed(content, codec="gzip"):
    return run("compress", "--codec", codec, stdin=content).stdout
