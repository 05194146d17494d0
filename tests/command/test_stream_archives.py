#!/usr/bin/env python3
"""weir ingest of archives that come as streams: URLs, standard input, pipes."""

import hashlib
import http.server
import os
import shutil
import subprocess
import unittest

from archives import ARCHIVES, BUILT_IN, FILES, ArchiveTest, tar
from harness import PATIENCE, main, of_type
from servers import http_files, serving

TAR, ZIP, BSDTAR = (shutil.which(tool) for tool in ("tar", "zip", "bsdtar"))
SHA256 = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


class Broken(http.server.BaseHTTPRequestHandler):
    """Says that all of `body` will come, and sends the first `sent` bytes of it; or says nothing, and closes."""

    protocol_version = "HTTP/1.1"
    body, sent, says_length = b"", 0, True

    def do_GET(self):
        self.send_response(200)
        if self.says_length:
            self.send_header("Content-Length", str(len(self.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(self.body[:self.sent])
        self.close_connection = True

    def log_message(self, *_):
        pass


class StreamTest(ArchiveTest):
    def found(self, lines):
        """Digests of what was read, by name; and that all lines tell the same archive."""
        self.archive_names = {line.get("archive") for line in lines if line["type"] in ("file", "chunk")}
        (archive,) = self.archive_names
        return {line["path"].removeprefix(archive + "/"): line["sha256"] for line in of_type(lines, "file")}

    def failures(self, lines):
        return [(line["path"], line["code"]) for line in of_type(lines, "error")]

    def ingest(self, *arguments, **options):
        return super().ingest("--file-digest=sha256", *arguments, **options)


class Urls(StreamTest):
    def setUp(self):
        super().setUp()
        self.url = f"http://127.0.0.1:{self.enterContext(http_files(self.directory))}"

    def test_every_kind_of_archive_is_read_by_its_entries_as_a_file_is(self):
        for name in self.archives:
            with self.subTest(name):
                lines = self.ingest(f"{self.url}/{name}")
                self.assertEqual(self.found(lines), SHA256)
                self.assertEqual(self.archive_names, {f"{self.url}/{name}"})

    def test_what_is_no_archive_is_an_object_whatever_its_name(self):
        self.write("text.tar", b"text " * 100_000)
        self.write("short.zip", b"PK")
        lines = self.ingest(f"{self.url}/text.tar", f"{self.url}/short.zip")
        self.assertEqual({line["path"] for line in of_type(lines, "file")},
                         {f"{self.url}/text.tar", f"{self.url}/short.zip"})

    def test_archives_that_are_not_asked_for_are_objects(self):
        lines = self.ingest("--archives", "none", f"{self.url}/a.tar")
        self.assertEqual([(line["path"], line["sha256"]) for line in of_type(lines, "file")],
                         [(f"{self.url}/a.tar", hashlib.sha256(ARCHIVES["a.tar"]).hexdigest())])

    def test_names_show_no_secrets(self):
        lines = self.ingest(self.url.replace("//", "//bob:sekret@") + "/a.tar?token=sekret")
        self.assertEqual(self.found(lines), SHA256)
        self.assertNotIn("sekret", repr(lines))

    def test_small_archives_and_many_urls_are_read_like_large_ones(self):
        names = []
        for number in range(20):
            self.write(f"{number}.tar", tar(files={"x": b"%d" % number}))
            names.append(f"{self.url}/{number}.tar")
        lines = self.ingest(*names)
        self.assertEqual({line["path"] for line in of_type(lines, "file")}, {name + "/x" for name in names})

    def test_a_digest_that_is_expected_is_that_of_the_archive(self):
        for name, content in ARCHIVES.items():
            with self.subTest(name):
                expected = hashlib.sha256(content).hexdigest()
                lines = self.ingest("--expect-sha256", expected, f"{self.url}/{name}")
                self.assertEqual(self.found(lines), SHA256)
                lines = self.ingest("--expect-sha256", "0" * 64, f"{self.url}/{name}", code=1)
                self.assertIn((f"{self.url}/{name}", "mismatch"), self.failures(lines))

    def test_several_connections_fetch_an_archive_too(self):
        lines = self.ingest("--parallel", "4", f"{self.url}/a.tar")
        self.assertEqual(self.found(lines), SHA256)

    def test_a_journal_is_of_one_object_whatever_that_is(self):
        lines = super(StreamTest, self).ingest("--resume", "j", f"{self.url}/a.tar")
        self.assertEqual([line["path"] for line in of_type(lines, "file")], [f"{self.url}/a.tar"])
        result = self.weir("ingest", "--resume", "j", "--archives", "named", f"{self.url}/a.tar")
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"--resume does not go together with --archives", result.stderr)
        lines = super(StreamTest, self).ingest("--resume", "j", "--archives=none", f"{self.url}/a.tar")
        self.assertEqual(len(of_type(lines, "file")), 1)

    def test_limits_hold_for_entries_of_urls(self):
        lines = self.ingest("--entry-limit", "1M", f"{self.url}/a.tar", code=1)
        self.assertEqual(self.failures(lines), [(f"{self.url}/a.tar/large", "limit_exceeded")])
        self.assertEqual(set(self.found(lines)), set(FILES) - {"large"})


class BrokenUrls(StreamTest):
    def serve(self, body, sent, says_length=True):
        handler = type("Once", (Broken,), {"body": body, "sent": sent, "says_length": says_length})
        return f"http://127.0.0.1:{self.enterContext(serving(handler))}/a"

    def test_a_body_that_breaks_fails_the_entry_in_progress_and_the_archive(self):
        for name, content in ARCHIVES.items():
            with self.subTest(name):
                url = self.serve(content, len(content) - 1_000_000)
                lines = self.ingest("--retries", "0", url, code=1)
                self.assertEqual([path for path, _ in self.failures(lines)], [url + "/large", url])
                self.assertEqual({code for _, code in self.failures(lines)}, {"ended_early"})
                self.assertEqual(self.found([line for line in lines if line["path" if "path" in line else "type"] !=
                                             url + "/large"]), {key: SHA256[key] for key in SHA256 if key != "large"})

    def test_one_that_only_the_end_of_the_connection_ends_is_truncated(self):
        for name, content in ARCHIVES.items():
            with self.subTest(name):
                url = self.serve(content, len(content) - 1_000_000, says_length=False)
                lines = self.ingest("--retries", "0", url, code=1)
                self.assertEqual(self.failures(lines), [(url + "/large", "truncated"), (url, "truncated")])

    def test_one_that_is_damaged_behind_its_last_entry_fails_as_an_archive(self):
        if "a.tgz" not in ARCHIVES:
            self.skipTest("gzip is not built in")
        content = ARCHIVES["a.tgz"]
        url = self.serve(content[:-8] + bytes(8), len(content))
        lines = self.ingest(url, code=1)
        self.assertIn((url, "checksum_mismatch"), self.failures(lines))  # with the entry whose end came with that of all
        self.assertEqual(set(SHA256) - set(self.found(lines)) - {"large"}, set())

    def test_the_rest_of_the_arguments_is_read(self):
        url = self.serve(ARCHIVES["a.tar"], 100_000)
        lines = self.ingest("--retries", "0", url, "a.tar", code=1)
        self.assertLessEqual({f"a.tar/{name}" for name in FILES}, {line["path"] for line in of_type(lines, "file")})


class Unvouched(StreamTest):
    """Bodies that have no length, and end with their connection."""

    def test_tar_has_no_end_of_its_own_and_what_has_one_is_not_doubted(self):
        for name, content in ARCHIVES.items():
            handler = type("Whole", (Broken,), {"body": content, "sent": len(content), "says_length": False})
            url = f"http://bob:sekret@127.0.0.1:{self.enterContext(serving(handler))}/{name}"
            said = b"nothing but the end of the connection says that this is all of it"
            for command in (("ls", url), ("ls", "--json", url), ("cat", url, "a")):
                with self.subTest(command):
                    result = self.weir(*command)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertEqual(result.stderr.count(said), 1 if name == "a.tar" else 0)
                    self.assertNotIn(b"sekret", result.stderr)
            self.assertEqual(self.weir("cat", "--quiet", url, "a").stderr, b"")
        self.assertEqual(self.weir("ls", f"http://127.0.0.1:{self.enterContext(http_files(self.directory))}/a.tar").stderr, b"")


class StandardInput(StreamTest):
    def test_it_is_one_stream_unless_all_archives_are_asked_for(self):
        for name, content in ARCHIVES.items():
            with self.subTest(name):
                for choice in ((), ("--archives=named",), ("--archives=none",)):
                    lines = self.ingest(*choice, "-", stdin=content)
                    self.assertEqual([(line["path"], line["sha256"]) for line in of_type(lines, "file")],
                                     [("-", hashlib.sha256(content).hexdigest())])
                lines = self.ingest("--archives=all", "-", stdin=content)
                self.assertEqual(self.found(lines), SHA256)
                self.assertEqual(self.archive_names, {"-"})

    def test_what_is_no_archive_stays_one_stream(self):
        for content in (b"", b"x", b"text " * 100_000, bytes(2_000), b"x^2 + y^2", b"PK"):
            with self.subTest(content[:8]):
                lines = self.ingest("--archives=all", "-", stdin=content)
                self.check_content(lines, "-", content)

    def test_one_that_breaks_off_is_an_error_of_entry_and_archive(self):
        for name, content in ARCHIVES.items():
            with self.subTest(name):
                lines = self.ingest("--archives=all", "-", stdin=content[:-1_000_000], code=1)
                self.assertEqual(self.failures(lines), [("-/large", "truncated"), ("-", "truncated")])

    @unittest.skipUnless("gzip" in BUILT_IN, "gzip is not built in")
    def test_what_cannot_be_decoded_to_see_what_it_is_is_an_error(self):
        damaged = bytearray(ARCHIVES["a.tgz"])
        damaged[10:40] = bytes(range(200, 230))
        for content, code in ((ARCHIVES["a.tgz"][:60], "truncated"), (b"\x1f\x8b", "truncated"), (bytes(damaged), None)):
            with self.subTest(code):
                lines = self.ingest("--archives=all", "-", stdin=content, code=1)
                self.assertEqual([path for path, _ in self.failures(lines)], ["-"])
                self.assertIn(self.failures(lines)[0][1], [code] if code else ["corrupt_data", "bad_format"])
                self.assertEqual(of_type(lines, "file"), [])
                lines = self.ingest("-", stdin=content)
                self.check_content(lines, "-", content)

    def test_a_pipe_that_is_named_is_a_stream_too(self):
        os.mkfifo(self.directory / "pipe")
        for choice, wanted in (((), {"pipe"}), (("--archives=all",), {f"pipe/{name}" for name in FILES})):
            writer = subprocess.Popen(["sh", "-c", "cat a.tar > pipe"], cwd=self.directory)
            self.addCleanup(writer.kill)
            lines = self.ingest(*choice, "pipe")
            self.assertEqual(writer.wait(PATIENCE), 0)
            self.assertEqual({line["path"] for line in of_type(lines, "file")}, wanted)

    def test_what_other_tools_write_into_a_pipe_is_read(self):
        for name, content in FILES.items():
            self.write(f"t/{name}", content)
        commands = [(TAR, "cf", "-", "."), (TAR, "czf", "-", "."), (BSDTAR, "cf", "-", "."), (BSDTAR, "--format=zip", "-cf", "-", "."),
                    (ZIP, "-qr", "-", ".")]
        for command in commands:
            if not command[0] or ("a.tgz" not in ARCHIVES and command[1] != "cf"):
                continue
            with self.subTest(command):
                made = subprocess.run(command, cwd=self.directory / "t", check=True, capture_output=True).stdout
                self.assertEqual(self.found(self.ingest("--archives=all", "-", stdin=made)), SHA256)

    def test_compressed_twice_is_decoded_once_if_that_is_asked_for(self):
        if "a.tgz" not in ARCHIVES:
            self.skipTest("gzip is not built in")
        lines = self.ingest("--archives=all", "--decompress=auto", "-", stdin=ARCHIVES["a.tgz"])
        self.assertEqual(self.found(lines), SHA256)


if __name__ == "__main__":
    main()
