#!/usr/bin/env python3
"""The command with hardly any descriptors: it does its work, or says what it could not open and what the limit is."""

import os
import resource
import unittest

from harness import CommandTest, main, noise

for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[variable]

# Below, the loader cannot open the libraries; above, all of it works.
LIMITS = range(4, 33)


@unittest.skipIf("UBSAN_OPTIONS" in os.environ, "UBSan looks at objects through a pipe, which needs descriptors too")
class FewDescriptors(CommandTest):
    def setUp(self):
        super().setUp()
        self.write("small", noise(5_000, 1))
        self.write("t/d/small", noise(5_000, 2))
        self.write("t/large", noise(3_000_000, 3))
        self.weir("compress", "--keep", "t/large", "-o", "large.zst", "-f")
        self.write("list", self.weir("ingest", "--json", "t").stdout)

    def with_descriptors(self, number, *arguments, stdin=b""):
        return self.weir(*arguments, stdin=stdin, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number)))

    def try_all_limits(self, *arguments, refused=(1, 3), stdin=b""):
        """Each limit has its outcome; 3: a pipe at standard output cannot be waited for."""
        good = self.with_descriptors(LIMITS[-1], *arguments, stdin=stdin)
        self.assertEqual((good.returncode, good.stderr), (0, b""))
        for number in LIMITS:
            with self.subTest(arguments, descriptors=number):
                ended = self.with_descriptors(number, *arguments, stdin=stdin)
                said = ended.stderr.decode()
                if ended.returncode == 0:
                    self.assertEqual(said, "")
                    continue
                self.assertIn(ended.returncode, refused, said)
                self.assertIn(f"too many open files, and ulimit -n is {number}", said + ended.stdout.decode(errors="replace"))
                for line in said.splitlines():
                    self.assertTrue(line.startswith("weir: "), said)
                self.assertNotIn("epoll", said)
                self.assertNotIn("[system", said)

    def test_files_and_trees(self):
        self.assertEqual(self.with_descriptors(LIMITS[0], "ingest", "t").returncode, 1, "the limits do not bind")
        for backend in ("auto", "threads", "mmap"):
            self.try_all_limits("ingest", "--backend", backend, "--jobs", "2", "t")
        self.try_all_limits("ingest", "--json", "--jobs", "2", "small", "t/large")
        self.try_all_limits("check", "list")
        self.try_all_limits("diff", "t", "t")

    def test_standard_input(self):
        self.try_all_limits("ingest", "-", stdin=noise(1_000_000, 4))

    def test_copies_and_codecs(self):
        self.try_all_limits("cat", "small", "t/large")
        self.try_all_limits("compress", "-c", "t/large")
        self.try_all_limits("decompress", "-t", "large.zst")

    def test_urls(self):
        url = self.start_origin("object o 300KiB seed 5\non /o\n serve o\n")[1]
        self.try_all_limits("cat", "--retries", "0", url + "/o", refused=(1, 3, 4))
        self.try_all_limits("cat", "--retries", "0", "--parallel", "2", url + "/o", refused=(1, 3, 4))
        self.try_all_limits("ingest", "--retries", "0", url + "/o", url + "/o")
        self.try_all_limits("cat", "--retries", "0", url.replace("127.0.0.1", "localhost") + "/o", refused=(1, 3, 4))


if __name__ == "__main__":
    main()
