#!/usr/bin/env python3
"""weir cat, and URLs of weir ingest: what comes, and what is said when it does not come whole."""

import contextlib
import hashlib
import os
import signal
import subprocess
import time
import urllib.request

from harness import PATIENCE, WEIR, CommandTest, lines_of, main, noise, of_type, unsent_bytes, wait_until_full, wait_until_still
from servers import OPENSSL, Authority, deaf, https, https_without_farewell, nobody

for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[variable]

QUICK = ("--retries", "0")
NIGHTLY = os.environ.get("WEIR_NIGHTLY", "") not in {"", "0"}


class FetchTest(CommandTest):
    def origin(self, script, *arguments):
        """Starts an origin; gives its URL, or unix:PATH."""
        return self.start_origin(script, *arguments)[1]

    def object(self, url):
        """What a faultless URL of an origin gives."""
        with urllib.request.urlopen(url) as answer:
            return answer.read()

    def cat(self, *arguments, code=0, **options):
        """Runs `weir cat`; checks the exit code; gives both outputs."""
        result = self.weir("cat", *arguments, **options)
        said = result.stderr.decode()
        self.assertEqual(result.returncode, code, said)
        self.assertEqual(said.count("\n"), 0 if code == 0 else 1, said)
        return result.stdout, said


class Whole(FetchTest):
    def test_a_body_of_every_framing_comes_whole(self):
        url = self.origin("object o 3MiB seed 5\n"
                          "on /length\n serve o\n"
                          "on /chunks\n serve o\n chunked 100KiB\n split every 7777\n"
                          "on /empty\n answer 204\n")
        content = self.object(url + "/length")
        self.assertEqual(len(content), 3 << 20)
        self.assertEqual(self.cat(url + "/length"), (content, ""))
        self.assertEqual(self.cat(url + "/chunks"), (content, ""))
        self.assertEqual(self.cat(url + "/empty"), (b"", ""))

    def test_several_come_one_after_the_other_with_files_and_standard_input_among_them(self):
        url = self.origin('on /a\n answer 200\n body "from a "\non /b\n answer 200\n body "from b "\n')
        self.write("file", b"from a file ")
        out, _ = self.cat(url + "/b", "file", "-", url + "/a", url + "/b", stdin=b"from input ")
        self.assertEqual(out, b"from b from a file from input from a from b ")

    def test_a_body_that_ends_with_its_connection_is_said_to_be_uncertain(self):
        url = self.origin("object o 100000\non /o\n serve o\non /close\n serve o\n until-close\n")
        content = self.object(url + "/o")
        result = self.weir("cat", url + "/close")
        self.assertEqual((result.returncode, result.stdout), (0, content))
        self.assertRegex(result.stderr.decode(), r"^weir: http://[^ ]+/close: nothing but the end of the connection .*\n$")
        self.assertEqual(self.cat("--quiet", url + "/close"), (content, ""))
        digest = hashlib.sha256(content).hexdigest()
        self.assertEqual(self.cat("--expect-sha256", digest, url + "/close"), (content, ""))
        self.assertEqual(self.cat("--quiet", "-o", "f", url + "/close")[1], "")
        self.assertEqual(self.weir("cat", "-o", "f", url + "/close").stderr, result.stderr)

    def test_ingest_says_the_same_of_each_url(self):
        url = self.origin("object o 100000\nobject s 10\non /o\n serve o\non /close2\n serve s\n until-close\n"
                          "on /close*\n serve o\n until-close\n")
        content = self.object(url + "/o")
        said = "nothing but the end of the connection says that this is all of it\n"
        result = self.weir("ingest", "--json", url + "/close1", url + "/o", url + "/close2?token=hunter2")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(sorted(result.stderr.decode().splitlines(True)),
                         [f"weir: {url}/close1: {said}", f"weir: {url}/close2?token=***: {said}"])
        digest = hashlib.sha256(content).hexdigest()
        for options in (("--quiet",), ("--expect-sha256", digest)):
            self.assertEqual(self.weir("ingest", "--json", *options, url + "/close1").stderr, b"")
        result = self.weir("ingest", "--json", "--resume", "j", url + "/close1")
        self.assertEqual(result.stderr.decode().count(said), 1)

    def test_files_are_as_cat_would_give_them(self):
        content = noise(5_000_000)
        self.write("a", content)
        self.assertEqual(self.cat("a", "a")[0], content * 2)
        self.assertEqual(self.cat("-", stdin=content)[0], content)
        with open(self.directory / "out", "wb") as out:
            subprocess.run([WEIR, "cat", "a"], stdout=out, check=True, cwd=self.directory)
        self.assertEqual((self.directory / "out").read_bytes(), content)
        self.assertIn("missing", self.cat("missing", code=1)[1])

    def test_redirects_are_followed_and_secrets_stay_behind(self):
        there = self.origin('on /x with Authorization\n answer 500\non /x\n answer 200\n body "there"\n')
        here = self.origin(f'on /again\n redirect 302 /far\non /far with "Authorization: hunter2"\n redirect 307 {there}/x\n'
                           'on /loop\n redirect 302 /loop\n')
        self.assertEqual(self.cat("-H", "Authorization: hunter2", here + "/again")[0], b"there")
        self.assertIn("redirect", self.cat(here + "/loop", code=6)[1])

    def test_a_location_is_encoded_where_a_server_has_not_done_it(self):
        url = self.origin("on /here\n redirect 302 \"/my file%\"\non /my%20file%25\n answer 200\n body \"it\"\n")
        self.assertEqual(self.cat(url + "/here")[0], b"it")

    def test_what_answers_a_range_of_the_users_is_that_range(self):
        url = self.origin("object o 100\non /o\n serve o\non /other\n serve o\n header Content-Range: bytes 50-59/100\n"
                          "on /none\n serve o\n no-header Content-Range\n")
        self.assertEqual(self.cat("-H", "Range: bytes=0-9", url + "/o")[0], self.object(url + "/o")[:10])
        for path in ("/other", "/none"):
            self.cat("-H", "Range: bytes=0-9", url + path, code=6)
        self.assertEqual(len(self.cat("-H", "Range: bytes=0-9,20-29", url + "/o")[0]), 100)

    def test_header_lines_are_sent(self):
        url = self.origin('on /x with "X-One: 1" \n answer 200\n body "one"\n'
                          'on /x with "X-Two: 2"\n answer 200\n body "two"\n')
        self.write("lines", b"X-Zero: 0\nX-Two: 2\n")
        self.assertEqual(self.cat("-H", "X-One: 1", url + "/x")[0], b"one")
        self.assertEqual(self.cat("-H", "@lines", url + "/x")[0], b"two")
        self.cat(url + "/x", code=7)

    def test_a_rate_is_kept_to(self):
        url = self.origin("object o 200KiB\non /o\n serve o\n")
        start = time.monotonic()
        self.cat("--max-rate", "400K", url + "/o")
        self.assertGreater(time.monotonic() - start, 0.4)


class Parallel(FetchTest):
    def test_parts_of_several_connections_come_in_order(self):
        url = self.origin("object o 20MiB seed 2\n"
                          "on /o without Range\n serve o\n"
                          "on /o with \"Range: bytes=0-0\"\n serve o\n"
                          "on /o request 1..3\n serve o\n reset at body 100000\n"
                          "on /o\n serve o\n"
                          "on /weak\n serve o\n no-header ETag\n"
                          "on /whole\n serve o\n no-ranges\n")
        content = self.object(url + "/o")
        for path in ("o", "weak", "whole"):
            with self.subTest(path):
                self.assertEqual(self.cat("--parallel", "4", "--memory", "8M", f"{url}/{path}"), (content, ""))

    def test_a_digest_that_is_not_checked_is_told_of_with_the_reason(self):
        url = self.origin("object o 2MiB seed 2\n"
                          "on HEAD /o\n serve o\n header x-amz-checksum-crc32: AAAAAA==-3\non /o\n serve o\n"
                          "on /other\n serve o\n header x-amz-checksum-xxhash64: AAAAAAAAAAA=\n")
        content = self.object(url + "/o")
        for arguments, reason in ((["--parallel", "2", url + "/o"], "crc32: made of the checksums of parts"),
                                  ([url + "/other"], "xxhash64: not known")):
            with self.subTest(arguments):
                notice = f"weir: {arguments[-1]}: not checked: x-amz-checksum-{reason}\n"
                for command in (["cat"], ["cat", "-o", "out"], ["ingest"], ["ingest", "--resume", "journal"]):
                    with self.subTest(command):
                        result = self.weir(*command, *arguments)
                        self.assertEqual((result.returncode, result.stderr.decode()), (0, notice))
                self.assertEqual(self.cat("--quiet", *arguments), (content, ""))

    def test_what_has_no_parts_is_as_without_them(self):
        url = self.origin('on /201\n answer 201\n body "made"\non /204\n answer 204\n')
        for parallel in ("1", "4"):
            self.assertEqual(self.cat("--parallel", parallel, url + "/201"), (b"made", ""))
            self.assertEqual(self.cat("--parallel", parallel, url + "/204"), (b"", ""))

    def test_a_server_that_serves_fewer_connections_is_read_by_those(self):
        url = self.origin("object o 8MiB\non HEAD /o\n serve o\non /o with \"Range: bytes=0-0\"\n serve o\n"
                          "on /o connection 3..\n answer 503\n header Connection: close\non /o\n serve o\n pace 64KiB per 25ms\n")
        result = self.weir("cat", "--parallel", "4", "--retries", "1", "--memory", "16M", url + "/o")
        self.assertEqual((result.returncode, len(result.stdout)), (0, 8 << 20), result.stderr)

    def test_a_long_path_is_as_wide_as_there_are_connections(self):
        # So slow that a busy machine and a sanitizer do not count.
        url = self.origin("object o 8MiB\naccept\n round-trip 50ms\n pace 64KiB per 50ms\non /o\n serve o\n")

        def seconds(connections):
            start = time.monotonic()
            self.assertEqual(len(self.cat("--parallel", connections, "--memory", "8M", url + "/o")[0]), 8 << 20)
            return time.monotonic() - start

        self.assertLess(seconds("8"), seconds("1") / 2)


class Again(FetchTest):
    SCRIPT = ("object o 2MiB seed 3\nobject other 2MiB seed 4\n"
              "on /o\n serve o\n"
              "on /strong request 1\n serve o\n reset at body 700000\n"
              "on /strong request 2\n serve o\n close at body 100000\n"
              "on /strong\n serve o\n"
              "on /weak request 1\n serve o\n no-header ETag\n reset at body 700000\n"
              "on /weak\n serve o\n no-header ETag\n"
              "on /changed request 1\n serve o\n reset at body 700000\n"
              "on /changed\n serve other\n"
              'on /busy request 1..2\n answer 503\n'
              "on /busy\n serve o\n")

    def test_a_body_that_breaks_is_taken_up_where_it_broke(self):
        url = self.origin(self.SCRIPT)
        self.assertEqual(self.cat(url + "/strong"), (self.object(url + "/o"), ""))

    def test_without_a_validator_what_broke_stays_broken(self):
        url = self.origin(self.SCRIPT)
        out, said = self.cat(url + "/weak", code=8)
        self.assertEqual(out, self.object(url + "/o")[:700000])
        self.assertIn("/weak at 700000: ", said)

    def test_two_versions_are_never_mixed(self):
        url = self.origin(self.SCRIPT)
        out, _ = self.cat(url + "/changed", code=8)
        self.assertEqual(out, self.object(url + "/o")[:700000])

    def test_two_codings_are_never_mixed(self):
        url = self.origin("object o 2MiB seed 3\n"
                          "on /o request 1\n serve o\n header Content-Encoding: gzip\n reset at body 700000\non /o\n serve o\n")
        out, _ = self.cat(url + "/o", code=8)
        self.assertEqual(out, self.object(url + "/o")[:700000])

    def test_a_server_that_gives_a_piece_to_each_connection_gives_all_in_the_end(self):
        url = self.origin("object o 4MiB seed 3\non /o request 1\n serve o\non /o\n serve o\n close at body 100KiB\n")
        content = self.object(url + "/o")
        self.assertEqual(self.cat("--retries", "2", url + "/o"), (content, ""))

    def test_a_path_is_sent_as_it_was_given(self):
        url = self.origin('on /a%7Eb%2d\n answer 200\n body "raw"\n')
        self.assertEqual(self.cat(url + "/x/../a%7Eb%2d")[0], b"raw")

    def test_a_busy_server_is_asked_again_as_often_as_allowed(self):
        url = self.origin(self.SCRIPT)
        self.assertEqual(self.cat("--retries", "2", url + "/busy")[0], self.object(url + "/o"))
        self.cat("--retries", "1", self.origin(self.SCRIPT) + "/busy", code=7)


class Failures(FetchTest):
    """Each kind has its exit code, and one line that shows no secret."""

    def test_wrong_usage(self):
        self.write("a", b"a")
        digest = "0" * 64
        for arguments in ([], [""], ["-", "-"], ["--frob", "a"], ["--expect-sha256", digest, "a"],
                          ["--expect-sha256", "x", "http://h/"], ["--expect-sha256", digest, "http://a/", "http://b/"],
                          ["-H", "hunter2", "http://h/"], ["--cacert", "missing", "http://h/"], ["http://h:x/"],
                          ["ftp://h/"], ["http://"], ["--proxy", "socks5://hunter2@h", "http://h/"], ["--memory", "1", "a"],
                          ["--parallel", "0", "http://h/"]):
            with self.subTest(arguments):
                out, said = self.cat(*arguments, code=2)
                self.assertEqual(out, b"")
                self.assertNotIn("hunter2", said)

    def test_output_that_cannot_be_written(self):
        url = self.origin("object o 10MiB\non /o\n serve o\n")
        self.write("a", noise(1_000_000))
        for source in ("a", url + "/o"):
            with self.subTest(source), open("/dev/full", "wb") as full:
                result = subprocess.run([WEIR, "cat", source], cwd=self.directory, stdout=full,
                                        stderr=subprocess.PIPE)
                self.assertEqual(result.returncode, 3)
                self.assertIn(b"no space left", result.stderr.lower())
                process = self.start("cat", source, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                process.stdout.read(1)
                process.stdout.close()
                self.assertIn(b"broken pipe", process.stderr.read().lower())
                self.assertEqual(process.wait(), 3)

    def test_nobody_there(self):
        self.assertIn("host name", self.cat(*QUICK, "http://no-such-host.invalid/", code=4)[1])
        with nobody() as port:
            self.assertIn("refused", self.cat(*QUICK, f"http://127.0.0.1:{port}/", code=4)[1])
        self.assertIn("missing", self.cat(*QUICK, "--unix-socket", "missing", "http://any/", code=4)[1])

    def test_no_valid_answer(self):
        url = self.origin('on /garbage\n send "SSH-2.0-OpenSSH\\r\\n\\r\\n"\n'
                          "on /nothing\n close\n"
                          "on /reset\n reset\n"
                          'on /chunks\n answer 200\n chunked\n header Content-Length: 5\n body "hello"\n'
                          'on /size\n send "HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nxyz\\r\\n"\n'
                          'on /hints\n repeat forever "HTTP/1.1 103 Early Hints\\r\\n\\r\\n"\n'
                          'on /head\n send "HTTP/1.1 200 OK\\r\\n"\n repeat forever "X: y\\r\\n"\n')
        for path in ("garbage", "nothing", "reset", "chunks", "size", "hints", "head"):
            with self.subTest(path):
                self.assertEqual(self.cat(*QUICK, f"{url}/{path}", code=6)[0], b"")

    def test_a_status_that_brings_no_content(self):
        url = self.origin("on /not-modified\n answer 304\non /choices\n answer 300\non /nowhere\n answer 302\n")
        for path, status in (("not-modified", "304"), ("choices", "300"), ("nowhere", "302")):
            with self.subTest(path):
                out, said = self.cat(*QUICK, f"{url}/{path}", code=7)
                self.assertEqual(out, b"")
                self.assertIn(status, said)

    def test_a_status_that_is_an_error(self):
        url = self.origin("on /gone\n answer 410\non /broken\n answer 500\n")
        for path, status in (("gone", "410"), ("broken", "500"), ("missing", "404")):
            out, said = self.cat(*QUICK, f"{url}/{path}", code=7)
            self.assertEqual(out, b"")
            self.assertIn(status, said)

    def test_a_body_that_is_cut_short(self):
        url = self.origin("object o 100000\non /o\n serve o\n"
                          "on /close\n serve o\n close at body 5000\n"
                          "on /reset\n serve o\n reset at body 5000\n"
                          "on /chunks\n serve o\n chunked 1000\n close at body 5000\n"
                          "on /longer\n serve o\n header Content-Length: 100001\n close\n")
        content = self.object(url + "/o")
        for path, size in (("close", 5000), ("reset", 5000), ("chunks", 5000), ("longer", 100000)):
            with self.subTest(path):
                out, said = self.cat(*QUICK, f"{url}/{path}", code=8)
                self.assertEqual(out, content[:size])
                self.assertIn(f"at {size}", said)

    def test_a_wrong_digest(self):
        wrong = "x" * 42 + "A="
        url = self.origin("object o 100000\non /o\n serve o\n"
                          f"on /stated\n serve o\n header Repr-Digest: sha-256=:{'A' * 43}=:\n"
                          "on /content\n serve o\n header Content-Digest: sha-256=:" + wrong.replace("x", "B") + ":\n"
                          f"on /second\n answer 200\n body \"x\"\n header Content-MD5: {'A' * 22}==\n"
                          " header Repr-Digest: sha-256=:LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=:\n")
        content = self.object(url + "/o")
        self.cat("--expect-sha256", hashlib.sha256(content).hexdigest(), url + "/o")
        for arguments in (["--expect-sha256", hashlib.sha256(b"").hexdigest(), url + "/o"], [url + "/stated"],
                          [url + "/content"]):
            with self.subTest(arguments):
                out, said = self.cat(*QUICK, *arguments, code=9)
                self.assertEqual(out, content)
                self.assertIn("the content does not match", said)
        self.assertIn("Content-MD5", self.cat(*QUICK, url + "/second", code=9)[1])

    def test_limits_of_time(self):
        url = self.origin("object o 100000\non /head\n stall\non /body\n serve o\n stall at body 1000\n"
                          "on /drops\n serve o\n split every 1000 pause 100ms\n")
        for arguments in (["--timeout-first-byte", "0.2", url + "/head"], ["--timeout-idle", "0.2", url + "/body"],
                          ["--timeout-total", "0.3", url + "/head"], ["--timeout-total", "0.3", url + "/drops"]):
            with self.subTest(arguments):
                self.assertRegex(self.cat(*QUICK, *arguments, code=10)[1], "deadline exceeded")
        with deaf() as port:
            self.cat(*QUICK, "--timeout-connect", "0.2", f"http://127.0.0.1:{port}/", code=10)

    def test_the_limit_of_the_whole_holds_while_the_reader_stands_still(self):
        url = self.origin("object o 20MiB\non /o\n serve o\n")
        process = self.start("cat", "--timeout-total", "0.5", url + "/o", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(process.wait(PATIENCE), 10)  # nothing was read
        self.assertRegex(process.stderr.read().decode(), rf"^weir: write {url}/o: deadline exceeded \(.*the output takes no more\)\n$")

    def test_each_of_several_urls_is_named_by_its_failure(self):
        url = self.origin("on /length\n answer 200\n header Content-Length: x\n"
                          "on /coding\n answer 200\n header Transfer-Encoding: gzip\n no-header Content-Length\n"
                          "object o 1000\non /range\n serve o\n header Content-Range: bytes 7-9/1000\n")
        for path in ("length", "coding", "range"):
            with self.subTest(path):
                _, said = self.cat(*QUICK, "--parallel", "2", f"{url}/{path}", url + "/other", code=6)
                self.assertIn(f"{url}/{path}: ", said)
        with nobody() as port:
            self.assertIn(f"for http://127.0.0.1:{port}/x: ", self.cat(*QUICK, f"http://127.0.0.1:{port}/x", code=4)[1])

    def test_a_wait_that_is_longer_than_the_limit_is_told_of(self):
        url = self.origin("on /busy\n answer 503\n header Retry-After: 300\n")
        self.assertRegex(self.cat(url + "/busy", code=7)[1], r"503 .*Retry-After 300, at most 120 s: .* longer wait")

    def test_a_url_that_lacks_a_slash_is_no_file_and_not_shown(self):
        for name in ("http:/u:hunter2@h/", "HTTPS:/u:hunter2@h/"):
            for command in ("cat", "ingest"):
                with self.subTest(name=name, command=command):
                    result = self.weir(command, name)
                    self.assertNotEqual(result.returncode, 0)
                    self.assertNotIn(b"hunter2", result.stdout + result.stderr)
                    self.assertIn(b"two slashes", result.stdout + result.stderr)
        self.cat("http:/h/", code=2)

    def test_a_request_has_one_host(self):
        url = self.origin('on /x with "Host: a"\n answer 200\n body "a"\n')
        self.assertEqual(self.cat("-H", "Host: a", url + "/x")[0], b"a")
        self.assertIn("Host", self.cat("-H", "Host: a", "-H", "host: b", url + "/x", code=2)[1])

    def test_no_message_shows_a_secret(self):
        url = self.origin("object o 100000\non /cut*\n serve o\n close at body 10\n"
                          "on /to*\n redirect 302 http://u:hunter2@127.0.0.1:1/?sig=hunter2\non /close*\n serve o\n until-close\n")
        bare = url.removeprefix("http://")
        for path, code in (("/missing", 7), ("/cut", 8), ("/to", 4), ("/close", 0)):
            with self.subTest(path):
                result = self.weir("cat", *QUICK, "--progress", "always", "-H", "Cookie: hunter2",
                                   f"http://user:hunter2@{bare}{path}?token=hunter2")
                self.assertEqual(result.returncode, code, result.stderr)
                self.assertNotIn(b"hunter2", result.stderr)
                self.assertIn(b"127.0.0.1", result.stderr)


class Secure(FetchTest):
    def setUp(self):
        super().setUp()
        if not OPENSSL:
            self.skipTest("openssl is not installed")
        self.authority = Authority(self.directory)
        self.write("content", noise(300_000))

    def test_who_is_not_trusted_is_not_read_from(self):
        with https(self.directory, self.authority.issue()) as port:
            for host in ("localhost", "127.0.0.1"):
                url = f"https://{host}:{port}/content"
                self.assertEqual(self.cat("--cacert", "ca.pem", url), (noise(300_000), ""))
                self.assertEqual(self.cat(url, environment={"SSL_CERT_FILE": "ca.pem"})[0], noise(300_000))
                self.assertEqual(self.cat(*QUICK, url, code=5)[0], b"")
            result = self.weir("cat", "--insecure", "--quiet", url)
            self.assertEqual((result.returncode, result.stdout), (0, noise(300_000)))
            self.assertRegex(result.stderr, rb"(?i)^weir: warning: --insecure.*\n$")

    def test_a_certificate_of_another_host_or_another_time_is_refused(self):
        for names, days in (("DNS:example.org", 2), ("DNS:localhost", -1)):
            with self.subTest(names), https(self.directory, self.authority.issue(names, days)) as port:
                self.cat(*QUICK, "--cacert", "ca.pem", f"https://localhost:{port}/content", code=5)

    def test_a_server_without_tls_is_no_secure_one(self):
        url = self.origin('accept\n send "220 ready to serve mail\\r\\n"\n')
        self.cat(*QUICK, url.replace("http", "https") + "/x", code=5)

    def test_a_redirect_out_of_tls_is_refused(self):
        plain = self.origin("on /x\n answer 200\n")
        with https(self.directory, self.authority.issue()) as port:
            secure = f"https://localhost:{port}"
            self.cat("--cacert", "ca.pem", f"{secure}/to?{plain}/x", code=6)
            self.assertEqual(self.cat("--cacert", "ca.pem", f"{secure}/to?{secure}/content")[0], noise(300_000))

    def test_a_peer_that_says_no_farewell_is_not_waited_for(self):
        with https_without_farewell(self.authority.issue()) as port:
            start = time.monotonic()
            self.assertEqual(self.cat("--cacert", "ca.pem", f"https://localhost:{port}/")[0], b"hi")
            self.assertLess(time.monotonic() - start, 1.9)  # it would be waited for 2 seconds

    def test_a_proxy_is_a_tunnel_for_tls(self):
        proxy = self.origin("on CONNECT *\n tunnel\n")
        with https(self.directory, self.authority.issue()) as port:
            for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
                out, _ = self.cat("--cacert", "ca.pem", f"https://localhost:{port}/content", environment={name: proxy})
                self.assertEqual(out, noise(300_000))
            shaky = self.origin("on CONNECT * request 1\n answer 503\non CONNECT *\n tunnel\n")
            self.cat("--cacert", "ca.pem", "--proxy", shaky, f"https://localhost:{port}/content")
            busy = self.origin("on CONNECT * request 1\n answer 503\n header Retry-After: 1\non CONNECT *\n tunnel\n")
            start = time.monotonic()
            self.cat("--cacert", "ca.pem", "--proxy", busy, f"https://localhost:{port}/content")
            self.assertGreater(time.monotonic() - start, 1)
            busy = self.origin("on CONNECT *\n answer 503\n header Retry-After: 300\n")
            said = self.cat("--cacert", "ca.pem", "--proxy", busy, f"https://localhost:{port}/content", code=7)[1]
            self.assertIn("Retry-After 300, at most 120 s", said)
            word = "Proxy-Authorization: Basic hunter2"
            asking = self.origin(f'on CONNECT * with "{word}"\n tunnel\non CONNECT *\n answer 407\n')
            self.cat("-H", word, "--cacert", "ca.pem", "--proxy", asking, f"https://localhost:{port}/no-word/content")
            for status in (403, 407, 500, 502, 503, 504):
                refusing = self.origin(f"on CONNECT *\n answer {status} Sorry\n")
                through = (*QUICK, "--cacert", "ca.pem", "--proxy", refusing, f"https://localhost:{port}/content")
                self.assertIn(f"({status} Sorry)", self.cat(*through, code=7)[1])
                errors = of_type(self.ingest(*through, code=1), "error")
                self.assertEqual([each["code"] for each in errors], ["http_status"])


class Ways(FetchTest):
    SCRIPT = 'on http://no-such-host.invalid/*\n answer 200\n body "by proxy"\n'
    URL = "http://no-such-host.invalid/x"

    def test_proxies_are_those_of_the_options_then_of_the_environment(self):
        proxy = self.origin(self.SCRIPT)
        for environment in ({"http_proxy": proxy}, {"ALL_PROXY": proxy}, {"http_proxy": proxy, "no_proxy": "example.org"}):
            self.assertEqual(self.cat(self.URL, environment=environment)[0], b"by proxy")
        self.assertEqual(self.cat("--proxy", proxy, self.URL, environment={"http_proxy": "http://127.0.0.1:1"})[0], b"by proxy")
        for environment in ({"HTTP_PROXY": proxy}, {"http_proxy": proxy, "NO_PROXY": ".invalid"}):
            self.cat(*QUICK, self.URL, environment=environment, code=4)
        self.cat(*QUICK, "--proxy", "", self.URL, environment={"http_proxy": proxy}, code=4)

    def test_a_proxy_that_cannot_be_used_is_wrong_usage_and_named_by_its_variable(self):
        for variable, proxy in (("http_proxy", "http://us:hunter2/b@h:1"), ("http_proxy", "http://"), ("all_proxy", "us:hunter2@h:x"),
                                ("ALL_PROXY", "socks5://us:hunter2@h")):
            for command in ("cat", "ingest", "ls"):
                with self.subTest(variable=variable, proxy=proxy, command=command):
                    result = self.weir(command, self.URL, environment={variable: proxy})
                    self.assertEqual((result.returncode, result.stdout), (2, b""))
                    self.assertRegex(result.stderr.decode(), rf"^weir: use {variable} [^\n]+\n$")
                    self.assertNotIn(b"hunter2", result.stderr)
        proxy = self.origin("on *\n redirect 302 https://no-such-host.invalid/\n")
        environment = {"http_proxy": proxy, "https_proxy": "http://us:hunter2@"}
        self.assertRegex(self.cat(self.URL, environment=environment, code=2)[1], r"^weir: use https_proxy http://\*\*\*")
        self.assertEqual(self.weir("cat", self.URL, environment={"http_proxy": proxy, "no_proxy": "*"}).returncode, 4)
        self.write("file", b"here")
        self.assertEqual(self.cat("file", environment={"http_proxy": "http://"})[0], b"here")

    def test_an_https_url_through_an_https_proxy_is_refused_at_the_start(self):
        here = self.origin("on *\n answer 200\n body \"here\"\n")
        over_tls = "https://us:hunter2@127.0.0.1:1"
        for command in ("cat", "ingest", "ls"):
            for options, environment in ((("--proxy", over_tls), {}), ((), {"https_proxy": over_tls})):
                with self.subTest(command=command, environment=environment):
                    result = self.weir(command, *options, here + "/first", "https://no-such-host.invalid/", environment=environment)
                    self.assertEqual((result.returncode, result.stdout), (2, b""))
                    self.assertIn(b"through an http proxy alone, not through https://***@127.0.0.1:1/", result.stderr)
        self.cat(*QUICK, "--proxy", over_tls, self.URL, code=4)  # TLS to a proxy for http: tried

    def test_a_path_behind_a_proxy_means_nothing(self):
        self.assertEqual(self.cat(self.URL, environment={"http_proxy": self.origin(self.SCRIPT) + "/foo"})[0], b"by proxy")

    def test_what_is_for_a_proxy_goes_to_no_other_proxy(self):
        word = "Proxy-Authorization: Basic hunter2"
        first = self.origin(f'on http://*/away with "{word}"\n redirect 302 https://no-such-host.invalid/\n'
                            f'on http://*/near with "{word}"\n redirect 302 /content\n'
                            f'on http://*/content with "{word}"\n answer 200\n body "by proxy"\n')
        asked = 'on CONNECT * without Proxy-Authorization\n answer 403\non CONNECT * with "Proxy-Authorization: Basic dTpw"\n answer 404\n'
        second = self.origin(asked + "on CONNECT *\n answer 405\n")
        for other, status in ((second, "403"), (second.replace("//", "//u:p@"), "404")):
            environment = {"http_proxy": first, "https_proxy": other}
            self.assertIn(status, self.cat("-H", word, "http://host.invalid/away", environment=environment, code=7)[1])
        self.assertEqual(self.cat("-H", word, "http://host.invalid/near", environment=environment)[0], b"by proxy")
        outside = self.origin("on /\n redirect 302 http://host.invalid/content\n")
        environment["no_proxy"] = "127.0.0.1"
        self.assertEqual(self.cat("-H", word, outside + "/", environment=environment)[0], b"by proxy")

    def test_what_is_for_a_proxy_goes_to_no_origin(self):
        word = "Proxy-Authorization: Basic hunter2"
        wrong = "on * with Proxy-Authorization\n answer 500\n"
        away = self.origin(wrong + 'on /y\n answer 200\n body "away"\n')
        direct = self.origin(wrong + f"on /x\n redirect 302 {away}/y\n")
        self.assertEqual(self.cat("-H", word, direct + "/x")[0], b"away")
        proxy = self.origin(f'on http://* with "{word}"\n answer 200\n body "by proxy"\n')
        self.assertEqual(self.cat("-H", word, "--proxy", proxy, self.URL)[0], b"by proxy")
        self.assertEqual(self.cat("-H", word, "--proxy", proxy.replace("//", "//u:p@"), self.URL)[0], b"by proxy")

    def test_a_unix_socket_serves_every_host(self):
        self.origin('on /x\n answer 200\n body "by socket"\n', "--listen", "unix:here")
        self.assertEqual(self.cat("--unix-socket", "here", "http://any.invalid/x")[0], b"by socket")


class Running(FetchTest):
    """While the body is on its way."""

    def test_a_reader_that_sleeps_costs_no_memory_and_stops_nothing_else(self):
        url = self.origin("object o 100MiB\non /o\n serve o\n")
        process = self.start("cat", "--progress", "always", "--timeout-idle", "0.5", url + "/o", stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        wait_until_full(process.stdout)
        for _ in range(2):  # a line a second
            self.assertRegex(process.stderr.readline(), rb" of 100 MiB ")
        self.check_peak_memory(process, 32 << 20)
        size = 0
        while piece := process.stdout.read(1 << 20):
            size += len(piece)
        self.assertEqual((process.wait(), size), (0, 100 << 20))

    def test_a_consumer_that_stands_still_while_a_gigabyte_waits_keeps_its_memory_and_its_connection(self):
        origin, url = self.start_origin("object o 1GiB seed 4\non /o\n serve o\n")
        process = self.start("cat", "--timeout-idle", "1", url + "/o", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until_full(process.stdout)
        port = int(url.rsplit(":", 1)[1])
        wait_until_still(lambda: unsent_bytes(port), any, "the origin's socket")
        stalled, held = self.memory(process), unsent_bytes(port)
        if NIGHTLY:
            time.sleep(60)  # nothing to wait for: it is the time that is tested
        self.assertLess(self.memory(process) - stalled, 1 << 20)
        self.check_peak_memory(process, 32 << 20)
        self.assertEqual(unsent_bytes(port), held)
        size, all_of_it = 0, 1 << 30
        while size < (all_of_it if NIGHTLY else 64 << 20):
            piece = process.stdout.read(1 << 20)
            self.assertTrue(piece, "the connection did not survive")
            size += len(piece)
        if NIGHTLY:
            self.assertEqual((process.stdout.read(), process.wait(), process.stderr.read()), (b"", 0, b""))
        else:
            process.kill()
        self.assertIn(b"GET /o", origin.stdout.readline())  # when the request is over
        origin.terminate()
        self.assertEqual(origin.communicate()[0], b"", "there was one request")

    def test_memory_is_bounded(self):
        url = self.origin("object o 100MiB\non /o\n serve o\n")
        process = self.start("cat", url + "/o", stdout=subprocess.PIPE)
        for _ in range(99):
            self.assertEqual(len(process.stdout.read(1 << 20)), 1 << 20)
        self.check_peak_memory(process, 32 << 20)

    def test_a_signal_ends_it_wherever_it_is(self):
        url = self.origin("object o 1GiB\non /head\n stall\non /body\n serve o\n stall at body 1000\non /o\n serve o\n")
        for path, how, code in (("head", signal.SIGTERM, 143), ("body", signal.SIGINT, 130), ("o", signal.SIGTERM, 143)):
            with self.subTest(path):
                process = self.start("cat", f"{url}/{path}", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                if path == "body":
                    self.assertEqual(len(process.stdout.read(1000)), 1000)
                elif path == "o":
                    wait_until_full(process.stdout)
                else:
                    self.wait_for_socket(process)
                start = time.monotonic()
                process.send_signal(how)
                self.assertEqual(process.wait(), code)
                self.assertLess(time.monotonic() - start, 5)
                self.assertEqual(process.stderr.read(), b"")

    def wait_for_socket(self, process):
        """Returns when the process has one."""
        directory = f"/proc/{process.pid}/fd"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for name in os.listdir(directory):
                with contextlib.suppress(FileNotFoundError):
                    if os.readlink(os.path.join(directory, name)).startswith("socket:"):
                        return
        self.fail("it never connected")


class Ingest(FetchTest):
    def test_of_many_each_is_asked_for_once_whatever_its_size(self):
        names = [f"{kind}{i}" for i in range(40) for kind in ("small", "chunked", "medium", "stream", "large")]
        script = "object small 1000\nobject medium 100KiB\nobject large 6MiB\n"
        how = {"small": "serve small", "chunked": "serve small\n chunked", "medium": "serve medium",
               "stream": "serve medium\n chunked", "large": "serve large"}
        for name in names:
            script += f"on /{name} request 1\n {how[name.rstrip('0123456789')]}\n"
        url = self.origin(script + "on *\n answer 410\n")
        result = self.weir("ingest", "--json", "--files-from", "-", stdin="".join(f"{url}/{name}\n" for name in names).encode())
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertEqual(len(of_type(lines_of(result.stdout), "file")), len(names))

    def test_a_url_is_cut_as_a_file_is(self):
        url = self.origin("object o 3MiB seed 9\non /o*\n serve o\n")
        content = self.object(url + "/o")
        self.write("file", content)
        lines = self.ingest("--chunk-avg", "64K", url + "/o?id=1", "file", url + "/o?id=2")
        cuts = {path: [(c["offset"], c["sha256"]) for c in self.check_content(lines, path, content)]
                for path in (url + "/o?id=1", "file", url + "/o?id=2")}
        self.assertEqual(len({str(each) for each in cuts.values()}), 1)

    def test_what_fails_has_the_name_of_its_failure_and_the_rest_goes_on(self):
        url = self.origin("object o 100000\non /o\n serve o\non /cut\n serve o\n close at body 10\n"
                          "on /wrong\n serve o\n header Repr-Digest: sha-256=:" + "A" * 43 + "=:\n"
                          'on /garbage\n send "garbage\\r\\n\\r\\n"\n')
        bare = url.removeprefix("http://")
        self.write("list", "".join(f"http://user:hunter2@{bare}/{path}?token=hunter2\n"
                                   for path in ("missing", "cut", "o")).encode())
        with nobody() as port:
            lines = self.ingest(*QUICK, "--files-from", "list", url + "/o", url + "/cut", url + "/wrong", url + "/garbage",
                                f"http://127.0.0.1:{port}/", "http://no-such-host.invalid/", code=1)
        self.assertNotIn("hunter2", str(lines))
        codes = {e["path"]: e["code"] for e in of_type(lines, "error")}
        shown = f"http://***@{bare}"
        self.assertIn(codes.pop("http://no-such-host.invalid/"), ("resolve_failed", "resolver_unavailable"))
        self.assertEqual(codes, {
            url + "/cut": "ended_early", url + "/wrong": "mismatch", url + "/garbage": "protocol_violation",
            f"http://127.0.0.1:{port}/": "ECONNREFUSED",
            f"{shown}/missing?token=***": "http_status", f"{shown}/cut?token=***": "ended_early"})
        self.assertEqual({f["path"] for f in of_type(lines, "file")}, {url + "/o", f"{shown}/o?token=***"})

    def test_many_urls_that_fail_once_each_come_all(self):
        count = 400
        url = self.origin("".join(f"on /{i} request 1\n answer 503\non /{i}\n answer 200\n body \"{i}\"\n" for i in range(count)))
        lines = self.ingest(*(f"{url}/{i}" for i in range(count)))
        self.assertEqual(len(of_type(lines, "file")), count)

    def test_a_server_that_is_down_is_spared_and_the_message_says_so(self):
        url = self.origin("on *\n answer 503 Busy\n")
        errors = of_type(self.ingest("--retries", "1", *(f"{url}/{i}" for i in range(150)), code=1), "error")
        self.assertEqual(len(errors), 150)
        spared = [e["error"] for e in errors if e["error"].endswith("(503 Busy; not tried again: the budget of retries is spent)")]
        self.assertEqual(len(spared), 50)

    def test_a_signal_ends_it_in_mid_transfer(self):
        url = self.origin("object o 100MiB\non /o\n serve o\n stall at body 50MiB\n")
        process = self.start("ingest", "--json", "--chunk-avg", "64K", url + "/o", stdout=subprocess.PIPE)
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        out = first + process.stdout.read()
        self.assertEqual(process.wait(), 143)
        self.assertIs(lines_of(out)[-1]["interrupted"], True)


if __name__ == "__main__":
    main()
