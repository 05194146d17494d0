#!/usr/bin/env python3
"""weir cat --decompress and weir ingest --decompress: the content of what is compressed, of files, streams and URLs."""

import gzip
import hashlib
import http.server
import lzma
import subprocess
import unittest
import zlib

from harness import CommandTest, codecs, main, noise, of_type
from servers import serving

BUILT_IN = codecs()
PLAIN = b"".join(b"line %d of the log\n" % number for number in range(40_000))
OFF = {"http_proxy": "", "https_proxy": ""}


class Encoding(http.server.BaseHTTPRequestHandler):
    """Sends PLAIN as the path says, gzip only to those who accept it, and notes what was accepted."""

    protocol_version = "HTTP/1.1"
    bodies = {
        "/gzip": (gzip.compress(PLAIN), "gzip"),
        "/deflate": (zlib.compress(PLAIN), "deflate"),
        "/raw": (zlib.compress(PLAIN)[2:-4], "deflate"),
        "/file.gz": (gzip.compress(PLAIN), None),
        "/twice.gz": (gzip.compress(gzip.compress(PLAIN)), "gzip"),
        "/plain": (PLAIN, None),
        "/brotli": (b"?", "br"),
        "/cut": (gzip.compress(PLAIN)[:-9], "gzip"),
    }
    accepted = []

    def do_GET(self):
        self.accepted.append(self.headers.get("Accept-Encoding"))
        body, coding = self.bodies[self.path]
        self.send_response(200)
        if coding:
            self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class DecompressTest(CommandTest):
    def cat(self, *arguments, code=0, reason="", **options):
        result = self.weir("cat", *arguments, environment=OFF, **options)
        self.assertRegex(result.stderr.decode(), rf"\A{'weir: .*' + reason + '.*' + chr(10) if reason else ''}\Z")
        self.assertEqual(result.returncode, code)
        return result.stdout

    def serve(self):
        Encoding.accepted.clear()
        return f"http://127.0.0.1:{self.enterContext(serving(Encoding))}"


@unittest.skipUnless({"gzip", "zlib", "xz"} <= set(BUILT_IN), "gzip, zlib or xz is not built in")
class Files(DecompressTest):
    def test_cat_gives_the_content_of_files_and_standard_input(self):
        self.write("a.gz", gzip.compress(PLAIN))
        self.write("b", lzma.compress(PLAIN)) # the name says nothing
        self.assertEqual(self.cat("--decompress", "a.gz", "b", "-", stdin=gzip.compress(b"end")), PLAIN + PLAIN + b"end")

    def test_what_is_not_compressed_is_an_error_or_is_left_as_it_is(self):
        self.write("plain", PLAIN)
        self.write("a.gz", gzip.compress(PLAIN))
        self.cat("--decompress", "plain", code=1, reason="decode plain at 0: bad format")
        self.assertEqual(self.cat("--decompress=auto", "plain", "a.gz", "-", stdin=b""), PLAIN + PLAIN)

    def test_a_codec_without_magic_bytes_is_named(self):
        self.write("raw", zlib.compress(PLAIN)[2:-4])
        self.assertEqual(self.cat("--decompress=deflate", "raw"), PLAIN)
        self.cat("--decompress=rot13", "raw", code=2, reason="--decompress rot13: allowed are")
        self.assertEqual(self.cat("--decompress", "--decompress=auto", "raw"), zlib.compress(PLAIN)[2:-4])

    def test_what_is_broken_is_told_with_its_offset_and_what_was_good_is_written(self):
        self.write("half.gz", gzip.compress(noise(1_000_000))[:-100])
        good = self.cat("--decompress", "half.gz", code=1, reason=r"decode half.gz at \d+: the data is truncated")
        self.assertEqual(noise(1_000_000)[:len(good)], good)
        self.assertGreater(len(good), 500_000)

    def test_limits_stop_what_would_not_end(self):
        self.write("zeros.gz", gzip.compress(bytes(80_000_000)))
        self.cat("--decompress", "zeros.gz", code=1, reason="ratio")
        self.assertEqual(len(self.cat("--decompress", "--ratio-limit", "none", "zeros.gz")), 80_000_000)
        self.cat("--decompress", "--output-limit", "1M", "zeros.gz", code=1, reason="size of the output")

    def test_memory_stays_that_of_the_pool(self):
        self.write("zeros.gz", gzip.compress(bytes(300_000_000)))
        process = self.start("cat", "--decompress", "--ratio-limit", "none", "zeros.gz", stdout=subprocess.PIPE)
        self.assertEqual(len(process.stdout.read(299_000_000)), 299_000_000)
        self.check_peak_memory(process, 32 << 20)

    def test_output_and_resume_keep_what_was_sent(self):
        self.cat("--decompress", "-o", "f", "http://127.0.0.1:1/", code=2, reason="--decompress writes to standard output")

    def test_ingest_cuts_the_content(self):
        self.write("tree/a.gz", gzip.compress(PLAIN))
        self.write("tree/b", PLAIN)
        lines = self.ingest("--decompress=auto", "--file-digest", "tree")
        wanted = hashlib.sha256(PLAIN).hexdigest()
        found = {line["path"]: (line["size"], line["sha256"]) for line in of_type(lines, "file")}
        self.assertEqual(found, {"tree/a.gz": (len(PLAIN), wanted), "tree/b": (len(PLAIN), wanted)})
        lines = self.ingest("--decompress", "tree", code=1)
        self.assertEqual([(line["path"], line["code"]) for line in of_type(lines, "error")], [("tree/b", "bad_format")])
        lines = self.ingest("--decompress", "-", stdin=gzip.compress(PLAIN))
        self.assertEqual(lines[-1]["bytes"], len(PLAIN))


@unittest.skipUnless({"gzip", "zlib"} <= set(BUILT_IN), "gzip or zlib is not built in")
class Urls(DecompressTest):
    def test_content_codings_are_asked_for_and_undone(self):
        url = self.serve()
        for path in ("/gzip", "/deflate", "/raw", "/file.gz", "/twice.gz"):
            with self.subTest(path):
                self.assertEqual(self.cat("--decompress", url + path), PLAIN)
        self.assertEqual(self.cat("--decompress=auto", url + "/plain"), PLAIN)
        self.assertIn("gzip, deflate", Encoding.accepted[0])

    def test_without_the_option_what_was_sent_is_left_as_it_is(self):
        url = self.serve()
        self.assertEqual(self.cat(url + "/gzip"), Encoding.bodies["/gzip"][0])
        self.assertEqual(Encoding.accepted, [None])

    def test_a_field_of_the_users_own_stays(self):
        url = self.serve()
        self.assertEqual(self.cat("--decompress", "-H", "Accept-Encoding: deflate", url + "/deflate"), PLAIN)
        self.assertEqual(Encoding.accepted, ["deflate"])

    def test_what_cannot_be_undone_is_refused_by_name(self):
        url = self.serve()
        self.cat("--decompress", url + "/brotli", code=1, reason="Content-Encoding: br")
        self.cat("--decompress", url + "/cut", code=1, reason="/cut at .* truncated")
        self.cat("--decompress", url + "/plain", code=1, reason="bad format")
        self.cat("--decompress", "-H", "Range: bytes=0-9", url + "/gzip", code=2, reason="a part cannot be decoded")

    def test_ingest_cuts_the_content_of_small_and_large_bodies(self):
        url = self.serve()
        paths = ("/gzip", "/deflate", "/raw", "/file.gz", "/twice.gz", "/plain", "/brotli", "/cut")
        lines = self.ingest("--decompress=auto", "--file-digest", *(url + path for path in paths), code=1, environment=OFF)
        wanted = hashlib.sha256(PLAIN).hexdigest()
        found = {line["path"].removeprefix(url): line["sha256"] for line in of_type(lines, "file")}
        self.assertEqual(found, {path: wanted for path in paths[:-2]})
        failed = {line["path"].removeprefix(url): line["code"] for line in of_type(lines, "error")}
        self.assertEqual(failed, {"/brotli": "unsupported_format", "/cut": "truncated"})

    def test_a_journal_does_not_go_with_it(self):
        result = self.weir("ingest", "--decompress", "--resume", "j", "http://127.0.0.1:1/")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn(b"--decompress does not go together with --resume", result.stderr)


if __name__ == "__main__":
    main()
