#!/usr/bin/env python3
"""--resume: a transfer that was killed anywhere goes on, with nothing trusted unseen and nothing fetched twice."""

import base64
import hashlib
import os
import random
import re
import signal
import subprocess
import time
import urllib.request

from harness import PATIENCE, CommandTest, lines_of, main

for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[variable]

SEED = int(os.environ.get("WEIR_TEST_SEED", random.randrange(1 << 30)))
MIB = 1 << 20


class ResumeTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(f"{SEED} {self.id()}")
        print(f"seed {SEED} (repeat with WEIR_TEST_SEED)", flush=True)

    def origin(self, script):
        self.server, url = self.start_origin(script)
        return url

    def object(self, url):
        with urllib.request.urlopen(url) as answer:
            content = answer.read()
        self.requests(1)
        return content

    def requests(self, count):
        """The next lines of the origin's log: the bytes that were sent to each request."""
        lines = [self.server.stdout.readline().decode() for _ in range(count)]
        return [int(re.search(r", (\d+) bytes sent", line)[1]) for line in lines]

    def wait_for(self, condition, process):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertIsNone(process.poll(), "it ended early")
            self.assertLess(time.monotonic(), deadline, "it never came")
            time.sleep(0.005)

    def size(self, name):
        try:
            return os.stat(self.directory / name).st_size
        except FileNotFoundError:
            return 0

    def read(self, name):
        return (self.directory / name).read_bytes()

    def left(self):
        return sorted(p.name for p in self.directory.iterdir() if p.name != "script")


class Cat(ResumeTest):
    SIZE = 24 * MIB
    PACED = f"object o {SIZE} seed 9\non /o with \"X-Slow: 1\"\n serve o\n pace 1MiB per 10ms\non /o\n serve o\n"

    def cat(self, url, *options, code=0):
        result = self.weir("cat", *options, url)
        self.assertEqual(result.returncode, code, result.stderr.decode())
        self.assertEqual(result.stdout, b"")
        return result.stderr.decode()

    def kill_at(self, url, size, how=signal.SIGKILL):
        """Starts a download and kills it when FILE.part has so many bytes; gives how many it has then."""
        process = self.start("cat", "-H", "X-Slow: 1", "--resume", "-o", "f", url, stderr=subprocess.PIPE)
        self.wait_for(lambda: self.size("f.part") >= size, process)
        process.send_signal(how)
        self.assertEqual(process.wait(PATIENCE), -how if how == signal.SIGKILL else 128 + how)
        return self.size("f.part")

    def test_killed_anywhere_and_again_it_goes_on_where_it_was(self):
        url = self.origin(self.PACED) + "/o"
        content = self.object(url)
        there = 0
        for _ in range(3):
            there = self.kill_at(url, there + self.random.randrange(1, 5 * MIB))
            self.requests(1)
            self.assertEqual(self.left(), ["f.part", "f.part.journal"])
        self.cat(url, "--resume", "-o", "f")
        self.assertEqual(self.read("f"), content)
        self.assertEqual(self.left(), ["f"])
        # What was written after the last digest of a mebibyte was noted is all that comes again.
        self.assertLess(self.requests(1)[0], self.SIZE - there + MIB + 4096)

    def test_a_signal_leaves_all_of_it_and_a_secret_stays_out_of_it(self):
        url = self.origin(self.PACED.replace("on /o", "on /o*")) + "/o?token=hunter2"
        content = self.object(url)
        there = self.kill_at(url, 3 * MIB + 5, signal.SIGTERM)
        self.requests(1)
        journal = self.read("f.part.journal")
        self.assertNotIn(b"hunter2", journal)
        self.assertEqual(os.stat(self.directory / "f.part.journal").st_mode & 0o7777, 0o600)
        self.cat(url, "--resume", "-o", "f", "--expect-sha256", hashlib.sha256(content).hexdigest())
        self.assertEqual(self.read("f"), content)
        self.assertLess(self.requests(1)[0], self.SIZE - there + 4096)

    def test_without_it_a_failure_leaves_nothing_and_a_success_the_file(self):
        url = self.origin("object o 3MiB\non /o request 1\n serve o\n reset at body 2000000\non /o\n serve o\n") + "/o"
        self.cat(url, "-o", "f", "--retries", "0", code=8)
        self.assertEqual(self.left(), [])
        self.cat(url, "-o", "f")
        self.assertEqual(len(self.read("f")), 3 * MIB)
        self.assertEqual(self.left(), ["f"])

    def test_a_changed_object_starts_anew_and_says_so(self):
        url = self.origin("object one 4MiB seed 1\nobject two 4MiB seed 2\n"
                          "on /o request 1\n serve one\n reset at body 3000000\n"
                          "on /o\n serve two\non /two\n serve two\n") + "/o"
        self.cat(url, "--resume", "-o", "f", "--retries", "0", code=8)
        said = self.cat(url, "--resume", "-o", "f")
        self.assertRegex(said, r"^weir: http://[^ ]+/o: the object has changed since it was begun: it starts anew\n$")
        self.assertEqual(self.read("f"), self.object(url.replace("/o", "/two")))

    def test_the_content_digest_of_the_first_answer_is_checked_over_the_whole(self):
        for digest, code in ((hashlib.sha256(b"other"), 9), (None, 0)):
            content = self.object(self.origin("object o 4MiB seed 1\non /o\n serve o\n") + "/o")
            value = base64.b64encode((digest or hashlib.sha256(content)).digest()).decode()
            url = self.origin("object o 4MiB seed 1\n"
                              f"on /o request 1\n serve o\n header Content-Digest: sha-256=:{value}:\n close at body 3000000\n"
                              "on /o\n serve o\n") + "/o"
            with self.subTest(code):
                self.cat(url, "--resume", "-o", "f", "--retries", "0", code=8)
                said = self.cat(url, "--resume", "-o", "f", code=code)
                self.assertEqual("Content-Digest" in said, code == 9)
                self.assertEqual(self.left(), [] if code else ["f"])
        self.assertEqual(self.read("f"), content)

    def test_a_wrong_digest_of_one_answer_keeps_what_was_there_before(self):
        url = self.origin("object o 4MiB seed 1\non /o request 1\n serve o\n close at body 3000000\n"
                          f"on /o request 1\n serve o\n header Content-Digest: sha-256=:{'A' * 43}=:\n"
                          "on /o\n serve o\n") + "/o"
        self.cat(url, "--resume", "-o", "f", "--retries", "0", code=8)
        self.assertRegex(self.cat(url, "--resume", "-o", "f", code=9), r"^weir: check http://[^ ]+/o at 3000000: .*Content-Digest")
        self.assertEqual(self.size("f.part"), 3000000)
        self.requests(2)
        self.cat(url, "--resume", "-o", "f")
        self.assertLess(self.requests(1)[0], 1300000)
        self.assertEqual(self.read("f"), self.object(url))
        self.assertEqual(self.left(), ["f"])

    def test_what_is_no_journal_of_this_object_is_refused_and_left(self):
        url = self.origin("object o 3MiB\non *\n serve o\n")
        self.write("f.part.journal", b"dear diary\n")
        os.chmod(self.directory / "f.part.journal", 0o600)
        self.assertIn("damaged", self.cat(url + "/o", "--resume", "-o", "f", code=3))
        self.assertEqual(self.read("f.part.journal"), b"dear diary\n")
        self.assertEqual(self.left(), ["f.part.journal"])
        os.remove(self.directory / "f.part.journal")
        self.cat(url + "/o", "--resume", "-o", "f", "--expect-sha256", "0" * 64, code=9)
        self.assertEqual(self.left(), [])

    def test_a_part_that_is_somebody_elses_is_refused_and_left(self):
        url = self.origin("object o 3MiB\non /o\n serve o\n")
        self.write("f.part", b"my novel")
        for options in ((), ("--resume",)):
            for path in ("/o", "/none"):
                with self.subTest(options=options, path=path):
                    said = self.cat(url + path, *options, "-o", "f", code=3)
                    self.assertIn("f.part: file exists (no journal beside it says that it may be replaced)", said)
                    self.assertEqual(self.left(), ["f.part"])
        self.assertEqual(self.read("f.part"), b"my novel")

    def test_killed_without_resume_it_begins_anew(self):
        url = self.origin(self.PACED) + "/o"
        for options in ((), ("--resume",)):
            process = self.start("cat", "-H", "X-Slow: 1", "-o", "f", url)
            self.wait_for(lambda: self.size("f.part") > MIB, process)
            process.kill()
            process.wait(PATIENCE)
            self.assertEqual(self.left(), ["f.part", "f.part.journal"])
            self.cat(url, *options, "-o", "f")
            self.assertEqual(self.left(), ["f"])
            self.assertEqual(self.size("f"), self.SIZE)
            os.remove(self.directory / "f")

    def test_usage(self):
        url = "http://127.0.0.1:1/"
        for arguments in (["--resume", url], ["-o", "f", url, url], ["-o", "f", "file"], ["--resume", "-o", "/dev/null", url],
                          ["-o", "", url]):
            with self.subTest(arguments):
                self.assertEqual(self.weir("cat", *arguments).returncode, 2)
        self.assertEqual(self.left(), [])
        self.cat(url, "-o", "missing/f", code=3)
        self.cat(url, "-o", ".", code=3)

    def test_a_device_is_written_to(self):
        url = self.origin("object o 3MiB\non /o\n serve o\n") + "/o"
        self.cat(url, "-o", "/dev/null")
        self.assertIn("write /dev/full: ", self.cat(url, "-o", "/dev/full", code=3))
        self.assertEqual(self.weir("cat", "-o", "-", url).stdout, self.object(url))


class Ingest(ResumeTest):
    SIZE = 24 * MIB
    PACED = f"object o {SIZE} seed 9\non /o with \"X-Slow: 1\"\n serve o\n pace 1MiB per 10ms\non /o\n serve o\n"

    def listed(self, url, *options, **more):
        """The chunk and file lines of a run, and its summary without what differs each time."""
        lines = self.ingest("--chunk-avg", "64K", *options, url, **more)
        summary = {k: v for k, v in lines[-1].items() if k not in ("seconds", "peak_memory")}
        return lines[:-1], summary

    def kill_at(self, url, size, *options, how=signal.SIGKILL):
        """Starts an ingest and kills it when its journal has so many bytes."""
        with open(self.directory / "out", "wb") as out:
            process = self.start("ingest", "--json", "--chunk-avg", "64K", "-H", "X-Slow: 1", "--resume", "j", *options, url,
                                 stdout=out, stderr=subprocess.PIPE)
            self.wait_for(lambda: self.size("j") >= size, process)
            process.send_signal(how)
            self.assertEqual(process.wait(PATIENCE), -how if how == signal.SIGKILL else 128 + how)
        self.requests(1)

    def test_killed_anywhere_and_again_it_lists_what_one_run_would_have(self):
        url = self.origin(self.PACED) + "/o"
        whole = self.listed(url)
        self.requests(1)
        for options in ((), ("--file-digest=sha256",)):
            there = 0
            for _ in range(3):
                there += self.random.randrange(1, 4000)
                # More than is written before the request: who is killed before that leaves no line in the origin's log.
                self.kill_at(url, max(there, self.size("j") + 512), *options)
                there = self.size("j")
            self.assertEqual(os.stat(self.directory / "j").st_mode & 0o7777, 0o600)
            lines, summary = self.listed(url, "--resume", "j", *options)
            self.assertLess(self.requests(1)[0], self.SIZE - MIB)
            if options:
                self.assertEqual(lines[-1].pop("sha256"), hashlib.sha256(self.object(url)).hexdigest())
            self.assertEqual((lines, summary), whole)
            self.assertFalse((self.directory / "j").exists())

    def test_a_signal_and_a_torn_end_leave_a_good_journal(self):
        url = self.origin(self.PACED) + "/o"
        whole = self.listed(url)
        self.requests(1)
        self.kill_at(url, 6000, how=signal.SIGTERM)
        with open(self.directory / "j", "r+b") as journal:
            journal.truncate(self.size("j") - self.random.randrange(1, 100))
        self.assertEqual(self.listed(url, "--resume", "j"), whole)
        self.assertLess(self.requests(1)[0], self.SIZE - MIB)

    def test_a_body_that_broke_off_is_gone_on_with(self):
        at = self.random.randrange(1, 6 * MIB)
        url = self.origin(f"object o 6MiB seed 3\non /o with \"X-Break: 1\" without Range\n serve o\n close at body {at}\n"
                          "on /o\n serve o\n") + "/o"
        whole = self.listed(url)
        self.ingest("--chunk-avg", "64K", "--retries", "0", "-H", "X-Break: 1", "--resume", "j", url, code=1)
        self.assertEqual(self.listed(url, "--resume", "j"), whole)

    def test_digests_are_of_the_whole(self):
        url = self.origin(self.PACED) + "/o"
        content = self.object(url)
        right = hashlib.sha256(content).hexdigest()
        for digest, code in ((right, 0), ("0" * 64, 1)):
            self.kill_at(url, 6000, "--expect-sha256", digest)
            lines = self.ingest("--chunk-avg", "64K", "--resume", "j", "--expect-sha256", digest, url, code=code)
            self.assertLess(self.requests(1)[0], self.SIZE - MIB)
            self.assertEqual([line["code"] for line in lines if line["type"] == "error"], ["mismatch"] if code else [])
        self.assertLess(self.size("j"), 1000, "what is wrong is forgotten")
        self.kill_at(url, 6000)  # without a SHA-256 of the whole
        result = self.weir("ingest", "--chunk-avg", "64K", "--resume", "j", "--expect-sha256", right, url)
        self.assertEqual(result.returncode, 0)
        self.assertIn(b"it starts anew", result.stderr)

    def test_a_wrong_digest_of_one_answer_keeps_what_was_there_before(self):
        url = self.origin("object o 6MiB seed 3\non /o with \"X-Break: 1\"\n serve o\n close at body 4000000\n"
                          f"on /o with \"X-Wrong: 1\"\n serve o\n header Content-Digest: sha-256=:{'A' * 43}=:\n"
                          "on /o\n serve o\n") + "/o"
        whole = self.listed(url)
        self.requests(1)
        self.ingest("--chunk-avg", "64K", "--retries", "0", "-H", "X-Break: 1", "--resume", "j", url, code=1)
        kept = self.size("j")
        lines = self.ingest("--chunk-avg", "64K", "-H", "X-Wrong: 1", "--resume", "j", url, code=1)
        self.assertEqual([line["code"] for line in lines if line["type"] == "error"], ["mismatch"])
        self.assertEqual(self.size("j"), kept)
        _, rest = self.requests(2)
        self.assertEqual(self.listed(url, "--resume", "j"), whole)
        self.assertLessEqual(self.requests(1)[0], rest, "nothing that was there before is fetched again")

    def test_other_objects_settings_and_files_are_refused_and_left(self):
        url = self.origin(self.PACED.replace("on /o", "on /*")) + "/o"
        self.kill_at(url, 3000)
        journal = self.read("j")
        for arguments, code in ((["--chunk-avg", "64K", url + "2"], "other_object"), (["--chunk-avg", "128K", url], "other_settings"),
                                (["--chunk-avg", "64K", "--hash", "sha512-256", url], "other_settings")):
            lines = self.ingest("--resume", "j", *arguments, code=1)
            self.assertEqual([line["code"] for line in lines if line["type"] == "error"], [code])
        self.assertEqual(self.read("j"), journal)
        self.write("diary", b"dear diary\n")
        os.chmod(self.directory / "diary", 0o600)
        lines = self.ingest("--resume", "diary", url, code=1)
        self.assertEqual(lines[0]["code"], "damaged")
        self.assertEqual(self.read("diary"), b"dear diary\n")

    def test_a_changed_object_starts_anew_and_says_so(self):
        url = self.origin("object one 4MiB seed 1\nobject two 4MiB seed 2\n"
                          "on /o request 1\n serve one\n reset at body 3000000\n"
                          "on /o\n serve two\n") + "/o"
        lines = self.ingest("--chunk-avg", "64K", "--retries", "0", "--resume", "j", url, code=1)
        self.assertGreater(len(lines), 3)
        result = self.weir("ingest", "--json", "--chunk-avg", "64K", "--resume", "j", url)
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stderr.decode(), r"^weir: http://[^ ]+/o: the object has changed since it was begun: it starts anew\n$")
        lines = lines_of(result.stdout)
        self.check_lines(lines)
        self.check_content(lines, url, self.object(url))

    def test_what_cannot_be_resumed_says_so_and_works(self):
        url = self.origin("object o 4MiB\non /o\n serve o\n no-header ETag\n no-header Last-Modified\n") + "/o"
        result = self.weir("ingest", "--json", "--resume", "j", url)
        self.assertEqual(result.returncode, 0)
        self.assertIn(b"cannot be resumed", result.stderr)
        self.assertFalse((self.directory / "j").exists())

    def test_the_list_that_could_not_be_written_does_not_cost_a_second_transfer(self):
        url = self.origin("object o 4MiB\non /o\n serve o\n") + "/o"
        with open("/dev/full", "wb") as full:
            process = self.start("ingest", "--json", "--chunk-avg", "4K", "--resume", "j", url, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(process.wait(PATIENCE), 3)
        self.assertTrue((self.directory / "j").exists())

    def test_usage(self):
        url = "http://127.0.0.1:1/"
        for arguments in ([url, url], ["file"], ["--files-from", "list"], ["--files-from", "list", url],
                          ["--file-digest=xxh3-128", url], ["--hash", "sha512-256", "--file-digest", url]):
            with self.subTest(arguments):
                self.assertEqual(self.weir("ingest", "--resume", "j", *arguments).returncode, 2)
        self.assertEqual(self.weir("ingest", "--resume", "", url).returncode, 2)
        self.assertEqual(self.left(), [])


if __name__ == "__main__":
    main()
