#!/usr/bin/env python3
"""The example ingest_proxy between curl and the scripted origin, or nginx where it is installed."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import unittest

from harness import CURL, PATIENCE, WEIR, CommandTest, main

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benchmarks"))
from servers import Nginx

PROXY = os.environ.get("INGEST_PROXY", "example-ingest-proxy")
MIB = 1 << 20


class Service:
    """A program that says where it listens, and lines afterwards."""

    def __init__(self, test, *command):
        self.test = test
        self.process = subprocess.Popen(command, cwd=test.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        test.addCleanup(self.end)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on (?:http://)?(127\.0\.0\.1):(\d+)\n", line)
        test.assertTrue(found, line or self.process.stderr.read())
        self.address = (found[1], int(found[2]))
        self.authority = f"{found[1]}:{found[2]}"
        self.http = "http://" + self.authority

    def end(self, how=signal.SIGTERM):
        """Ends the program, if that was not done; gives its exit code and its lines."""
        if self.process.returncode is None:
            self.process.send_signal(how)
            self.wait()
        return self.process.returncode, self.lines

    def wait(self):
        said, complaints = self.process.communicate(timeout=PATIENCE)
        self.test.assertEqual(complaints, "")
        self.lines = said.splitlines()
        return self.process.returncode

    def next_line(self):
        return self.process.stdout.readline()

    def connect(self):
        return socket.create_connection(self.address, timeout=PATIENCE)


class Stream:
    """A client that reads as much as it is told to; it leaves at the end of the test, or before."""

    def __init__(self, service, target):
        self.connection = service.connect()
        service.test.addCleanup(self.close)
        self.connection.sendall(f"GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        self.file = self.connection.makefile("rb")

    def read_head(self):
        lines = []
        while (line := self.file.readline()) not in (b"\r\n", b""):
            lines.append(line.decode().rstrip())
        return lines

    def close(self):
        self.file.close()
        self.connection.close()


@unittest.skipUnless(CURL, "curl is not installed")
class IngestProxy(CommandTest):
    def play(self, script, *arguments):
        self.write("script", script.encode())
        self.origin = Service(self, WEIR, "origin", "script")
        self.proxy = self.start_proxy(self.origin.http, *arguments)

    def start_proxy(self, upstream, *arguments):
        return Service(self, PROXY, "--upstream", upstream, "--listen", "127.0.0.1:0", *arguments)

    def both(self, target, *arguments):
        """What curl gets straight, and through the proxy."""
        return [self.curl(*arguments, service.http + target) for service in (self.origin, self.proxy)]

    def test_bodies_come_as_they_are_and_each_is_a_line(self):
        self.play("object big 5MiB seed 3\nobject small 9000\nobject none \"\"\n"
                   "on /big\n serve big\non /chunked\n serve big\n chunked 70000\non /small\n serve small\n"
                   "on /none\n serve none\non /close\n serve small\n until-close\n")
        for target in ("/big", "/chunked", "/small", "/none", "/close", "/missing"):
            with self.subTest(target):
                straight, through = self.both(target)
                self.assertEqual((through.returncode, through.stdout), (0, straight.stdout))
        code, lines = self.proxy.end()
        self.assertEqual(code, 0)
        self.assertEqual(len(lines), 6)
        line = r"127\.0\.0\.1:\d+ GET /big: 200, 5242880 bytes, (\d+) chunks, (\d+) new, \d+\.\d+ s, whole"
        first = re.fullmatch(line, lines[0])
        self.assertTrue(first, lines[0])
        self.assertEqual(first[1], first[2])
        again = re.fullmatch(line.replace("/big", "/chunked"), lines[1])
        self.assertEqual((again[1], again[2]), (first[1], "0"), "the same content has the same chunks")
        self.assertTrue(lines[4].endswith(", ended with its connection"), lines[4])
        self.assertEqual([line.endswith(", whole") for line in lines], [True] * 4 + [False, True])
        self.assertIn("GET /missing: 404, 0 bytes", lines[5])

    def test_what_comes_goes_on_before_a_chunk_is_cut(self):
        self.play("object o 300000 seed 4\non /o\n serve o\n chunked\n stall at body 1000\n")
        stream = Stream(self.proxy, "/o")
        stream.read_head()
        self.assertEqual(len(stream.file.read(1000)), 1000)

    def test_the_upstream_of_a_client_that_left_is_not_read_on(self):
        self.play("object o 1000000 seed 4\non /o\n serve o\n split every 100 pause 20ms\n")
        stream = Stream(self.proxy, "/o")
        stream.read_head()
        self.assertEqual(len(stream.file.read(1)), 1)
        stream.close()  # with something unread, so by a reset
        self.assertRegex(self.proxy.next_line(), r" GET /o: 200, \d{1,6} bytes, .* client failed: ")

    def test_ranges_conditions_head_and_redirects_are_the_upstreams_answers(self):
        self.play("object big 300000 seed 3\non /big\n serve big\non /from\n redirect 302 /big\n"
                   "on /empty\n answer 204\n")
        for arguments in (["-r", "1000-200000"], ["-r", "999999-"], ["-I"], ["-H", "If-None-Match: *"], ["-X", "OPTIONS"]):
            for target in ("/big", "/from", "/empty"):
                with self.subTest(target=target, arguments=arguments):
                    straight, through = self.both(target, "-i", *arguments)
                    self.assertEqual(through.returncode, 0)
                    straight_head, straight_body = self.parts_of(straight.stdout)
                    head, body = self.parts_of(through.stdout)
                    dated = [line for line in head if line.startswith(b"Date: ")]
                    self.assertEqual(len(dated), 1)
                    self.assertEqual(sorted(head), sorted([*straight_head, b"Via: 1.1 weir", *dated]))
                    self.assertEqual(body, straight_body)

    @staticmethod
    def parts_of(answer):
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.split(b"\r\n"), body

    def test_the_upstream_learns_who_asks_and_nothing_that_is_for_one_connection_goes_on(self):
        with socket.create_server(("127.0.0.1", 0)) as upstream:
            proxy = self.start_proxy(f"http://127.0.0.1:{upstream.getsockname()[1]}")
            with proxy.connect() as client:
                client.sendall(b"GET /a?b=%7E HTTP/1.1\r\nHost: shown.test\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\n"
                               b"X-Forwarded-For: 192.0.2.1\r\nAccept: text/x\r\n\r\n")
                with upstream.accept()[0] as connection:
                    head = b""
                    while not head.endswith(b"\r\n\r\n"):
                        head += connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nConnection: X-Theirs\r\nX-Theirs: 1\r\n"
                                       b"Content-Length: 2\r\n\r\nhi")
                    answer = b"".join(iter(lambda: client.recv(65536), b""))
        self.assertEqual(sorted(head.decode().split("\r\n")), sorted([
            "GET /a?b=%7E HTTP/1.1", f"Host: 127.0.0.1:{upstream_port(head)}", "X-Forwarded-For: 192.0.2.1, 127.0.0.1",
            "X-Forwarded-Host: shown.test", "X-Forwarded-Proto: http", "Via: 1.1 weir", "Accept: text/x", "", ""]))
        self.assertNotIn(b"Theirs", answer)
        self.assertNotIn(b"Keep-Alive", answer)
        self.assertTrue(answer.endswith(b"\r\n\r\nhi"))

    def test_bodies_of_requests_go_on_and_the_answers_body_comes_back(self):
        self.play('on PUT /up\n answer 201\n body "stored"\non POST /up\n answer 200\n body "posted"\n')
        self.write("content", b"x" * 3_000_000)
        self.assertEqual(self.curl("-T", "content", self.proxy.http + "/up").stdout, b"stored")
        chunked = self.curl("-T", "content", "-H", "Transfer-Encoding: chunked", self.proxy.http + "/up")
        self.assertEqual(chunked.stdout, b"stored")
        self.assertEqual(self.curl("-d", "", self.proxy.http + "/up").stdout, b"posted")
        received = [line.split(", ")[-1] for line in self.origin.end()[1]]
        self.assertEqual(received[:2], ["3000000 bytes received"] * 2)

    def test_trailers_go_on_both_ways_and_so_does_a_question_about_the_server(self):
        with socket.create_server(("127.0.0.1", 0)) as upstream:
            proxy = self.start_proxy(f"http://127.0.0.1:{upstream.getsockname()[1]}")
            with proxy.connect() as client:
                client.sendall(b"PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                               b"5\r\nhello\r\n0\r\nX-Sum: mine\r\nContent-Length: 7\r\n\r\n")
                with upstream.accept()[0] as connection:
                    request = self.until(connection, b"\r\nX-Sum: mine\r\n\r\n")
                    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                                       b"2\r\nhi\r\n0\r\nX-Sum: theirs\r\nConnection: close\r\n\r\n")
                    answer = self.until(client, b"2\r\nhi\r\n0\r\nX-Sum: theirs\r\n\r\n")
                    for asked in (b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", b"OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n"):
                        client.sendall(asked)
                        self.assertIn(b"OPTIONS * HTTP/1.1\r\n", self.until(connection, b"\r\n\r\n"))
                        connection.sendall(b"HTTP/1.1 204 No Content\r\nAllow: GET\r\n\r\n")
                        self.assertIn(b"Allow: GET\r\n", self.until(client, b"\r\n\r\n"))
                    client.sendall(b"GET * HTTP/1.1\r\nHost: h\r\n\r\n")
                    self.assertIn(b"HTTP/1.1 400 ", self.until(client, b"not answer\n"))
        self.assertIn(b"Trailer: X-Sum\r\n", request)
        self.assertIn(b"Trailer: X-Sum\r\n", answer)

    @staticmethod
    def until(connection, end):
        got = b""
        while not got.endswith(end):
            more = connection.recv(65536)
            assert more, got
            got += more
        return got

    def upstream(self):
        """A server that the test plays, and a proxy in front of it."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        listener.settimeout(PATIENCE)
        self.proxy = self.start_proxy(f"http://127.0.0.1:{listener.getsockname()[1]}")
        return listener

    def accept(self, listener):
        connection = listener.accept()[0]
        self.addCleanup(connection.close)
        connection.settimeout(PATIENCE)
        return connection

    def test_an_answer_that_comes_before_the_body_is_sent_goes_on_at_once(self):
        listener = self.upstream()
        for framing in (b"Content-Length: 1000000", b"Transfer-Encoding: chunked"):
            for begin in (b"", b"3e8\r\n" + bytes(1000) + b"\r\n"):
                with self.subTest(framing=framing, begin=len(begin)), self.proxy.connect() as client:
                    client.sendall(b"PUT /a HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n" + begin)
                    connection = self.accept(listener)
                    self.until(connection, begin or b"\r\n\r\n")
                    connection.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nless")
                    answer = self.until(client, b"less")
                    self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
                    self.assertEqual(connection.recv(1), b"", "no other request goes behind half a body")
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(client.recv(1), b"")
        lines = self.proxy.end()[1]
        self.assertEqual(len(lines), 4)
        for line in lines:
            self.assertRegex(line, r" PUT /a: 413, 4 bytes, .* whole$")

    def test_the_upstream_decides_whether_a_client_that_asks_is_to_send_its_body(self):
        listener = self.upstream()
        asks = b"PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        with self.proxy.connect() as client:
            client.sendall(asks)
            connection = self.accept(listener)
            self.assertIn(b"\r\nExpect: 100-continue\r\n", self.until(connection, b"\r\n\r\n"))
            connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
            answer = self.until(client, b"\r\n\r\nno")
            self.assertTrue(answer.startswith(b"HTTP/1.1 401 "), answer)
            self.assertIn(b"\r\nConnection: close\r\n", answer)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(1), b"")
        for word in (b"HTTP/1.1 100 Continue\r\n\r\n", b""): # some know nothing of it
            with self.subTest(word), self.proxy.connect() as client:
                client.sendall(asks)
                connection = self.accept(listener)
                self.until(connection, b"\r\n\r\n")
                connection.sendall(word)
                self.assertEqual(self.until(client, b"\r\n\r\n"), b"HTTP/1.1 100 Continue\r\n\r\n")
                client.sendall(b"hello")
                self.until(connection, b"hello")
                connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                self.assertTrue(self.until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 201 "))

    def test_an_answer_without_a_date_gets_one_and_one_that_has_it_keeps_it(self):
        self.play("on /none\n answer 200\non /old\n answer 200\n header Date: Sun, 06 Nov 1994 08:49:37 GMT\n")
        for target, said in (("/none", rb"Date: \w\w\w, \d\d \w\w\w 20\d\d \d\d:\d\d:\d\d GMT"),
                             ("/old", rb"Date: Sun, 06 Nov 1994 08:49:37 GMT")):
            with self.subTest(target):
                head, _ = self.parts_of(self.curl("-i", self.proxy.http + target).stdout)
                dates = [line for line in head if line.lower().startswith(b"date:")]
                self.assertEqual(len(dates), 1)
                self.assertRegex(dates[0], said)

    def test_forwardings_are_counted_where_they_are_to_be(self):
        listener = self.upstream()
        with self.proxy.connect() as client:
            client.sendall(b"OPTIONS /a HTTP/1.1\r\nHost: h\r\nMax-Forwards: 2\r\n\r\n")
            connection = self.accept(listener)
            self.assertIn(b"\r\nMax-Forwards: 1\r\n", self.until(connection, b"\r\n\r\n"))
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            self.until(client, b"\r\n\r\n")
            client.sendall(b"OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n")
            self.assertTrue(self.until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 200 "))
            client.sendall(b"TRACE /a HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\nCookie: secret\r\nX-A: 1\r\n\r\n")
            seen = self.until(client, b"X-A: 1\r\n\r\n")
            self.assertIn(b"\r\nContent-Type: message/http\r\n", seen)
            self.assertTrue(seen.endswith(b"\r\n\r\nTRACE /a HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\nX-A: 1\r\n\r\n"), seen)
            client.sendall(b"GET /a HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n")
            self.assertIn(b"\r\nMax-Forwards: 0\r\n", self.until(connection, b"\r\n\r\n"))

    def test_what_the_server_refuses_is_a_line_too(self):
        self.upstream()
        for request, status, line in (
                (b"GET / HTTP/1.1\r\n\r\n", b"400", r": 400, refused: .*Host"),
                (b"GET / HTTP/1.1\r\nA: " + b"a" * 100_000, b"431", r": 431, refused: "),
                (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", b"501", r" CONNECT a:443: 501, refused$"),
                (b"PUT /?token=hunter2 HTTP/1.1\r\nHost: h\r\nExpect: more\r\nContent-Length: 1\r\n\r\n", b"417",
                 r" PUT /.*: 417, refused$")):
            with self.subTest(status), self.proxy.connect() as client:
                client.sendall(request)
                self.assertTrue(client.recv(65536).startswith(b"HTTP/1.1 " + status + b" "))
                said = self.proxy.next_line()
                self.assertRegex(said.rstrip(), r"^127\.0\.0\.1:\d+" + line)
                self.assertNotIn("hunter2", said)

    def test_an_upload_that_breaks_off_is_never_whole_for_the_upstream(self):
        self.play("on PUT /up\n answer 201\n")
        with self.proxy.connect() as client:
            client.sendall(b"PUT /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense")
            self.assertIn(b"HTTP/1.1 400 ", client.recv(65536))
        self.assertIn("client failed", self.proxy.end()[1][0])
        self.assertNotIn("line 2", "".join(self.origin.end()[1]))

    def test_an_upstream_that_breaks_off_is_seen_by_the_client(self):
        self.play("object big 1MiB\n"
                   "on /length\n serve big\n reset at body 500000\n"
                   "on /chunked\n serve big\n chunked 1000\n close at body 500000\n"
                   "on /head\n reset\n"
                   "on /early\n serve big\n header Content-Length: 1000\n close at body 0\n")
        for target, code in (("/length", 18), ("/chunked", 18)):
            with self.subTest(target):
                self.assertEqual(self.curl(self.proxy.http + target).returncode, code)
        for target in ("/head", "/early"):
            with self.subTest(target):
                self.assertEqual(self.status_of(target), "502")
        lines = self.proxy.end()[1]
        self.assertEqual(len(lines), 4)
        for line in lines:
            self.assertIn("upstream failed", line)

    def status_of(self, target):
        return self.curl("-o", "out", "-w", "%{http_code}", self.proxy.http + target).stdout.decode()

    def test_an_upstream_that_is_not_there_or_silent_has_a_status(self):
        self.play("on /silent\n stall\n", "--patience", "1")
        self.assertEqual(self.status_of("/silent"), "504")
        self.origin.end()
        self.assertEqual(self.status_of("/gone"), "502")

    def test_secrets_of_a_target_are_in_no_line(self):
        self.play("on /a\n answer 200\n")
        self.curl(self.proxy.http + "/a?token=hunter2&X-Amz-Signature=hunter2")
        lines = self.proxy.end()[1]
        self.assertIn("GET /a", lines[0])
        self.assertNotIn("hunter2", lines[0])

    def test_a_stop_lets_a_transfer_come_to_its_end(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(how):
                self.play("object big 64MiB\non /big\n serve big\n")
                stream = Stream(self.proxy, "/big")
                stream.read_head()
                begin = stream.file.read(MIB)
                self.proxy.process.send_signal(how)
                self.await_refusal()
                self.assertIsNone(self.proxy.process.poll(), "the transfer is not over")
                self.assertEqual(len(begin) + len(stream.file.read()), 64 * MIB)
                stream.close()
                self.assertEqual(self.proxy.wait(), 0)
                self.assertTrue(self.proxy.lines[0].endswith("whole"), self.proxy.lines)
                self.origin.end()

    def await_refusal(self):
        """Returns when the proxy accepts no more."""
        while True:
            try:
                self.proxy.connect().close()
            except ConnectionRefusedError:
                return
            except ConnectionResetError:
                pass # it was in the queue of those to be accepted

    def test_a_stop_cuts_off_what_takes_longer_than_the_grace(self):
        self.play("object big 64MiB\non /big\n serve big\n stall at body 1000000\n", "--grace", "0")
        stream = Stream(self.proxy, "/big")
        stream.read_head()
        stream.file.read(500_000)
        code, lines = self.proxy.end()
        self.assertEqual(code, 0)
        self.assertNotIn("whole", lines[0])
        self.assertLess(len(stream.file.read()), 64 * MIB)

    def test_a_client_that_leaves_ends_its_upstream_connection(self):
        self.play("object big 1GiB\non /big\n serve big\non /small\n answer 200\n", "--memory", "4MiB")
        for _ in range(20): # more than there is memory for, were it not given back
            stream = Stream(self.proxy, "/big")
            stream.read_head()
            stream.file.read(MIB)
            stream.close()
            self.assertIn("client failed", self.proxy.next_line())
            line = self.origin.next_line()
            self.assertLess(int(re.search(r"/big: line 2, (\d+) bytes sent", line)[1]), 1 << 30)
        self.assertEqual(self.status_of("/small"), "200")

    def test_clients_that_never_read_cost_bounded_memory(self):
        # Nine flows are promised 2.1 MiB each; with less the last would wait until one of the others is given up.
        self.play("object big 256MiB seed 5\non /big\n serve big\n", "--memory", "24MiB")
        stalled = [Stream(self.proxy, "/big") for _ in range(8)]
        for stream in stalled:
            stream.read_head()
        # While this takes its time, the others have as much to fill any memory.
        self.assertEqual(self.curl("-o", "out", self.proxy.http + "/big").returncode, 0)
        self.check_peak_memory(self.proxy.process, 64 * MIB)
        self.assertEqual(len(stalled[0].file.read()), 256 * MIB)

    @unittest.skipUnless(Nginx.find() and shutil.which("openssl"), "nginx or openssl is not installed")
    def test_https_on_both_sides_with_nginx_behind(self):
        root = self.directory / "root"
        root.mkdir()
        content = os.urandom(3_000_000)
        (root / "file").write_bytes(content)
        with Nginx(self.directory, root) as nginx:
            pem, key = nginx.certificate, nginx.work / "key.pem"
            proxy = self.start_proxy(nginx.https, "--cacert", pem, "--certificate", pem, "--key", key)
            where = f"https://{proxy.authority}/file"
            for _ in range(2):
                self.assertEqual(self.curl("--cacert", pem, where).stdout, content)
            part = self.curl("--cacert", pem, "-r", "5-1000004", where)
            self.assertEqual(part.stdout, content[5:1_000_005])
            plain = self.start_proxy(nginx.https) # nobody it trusts has signed that
            code = self.curl("-o", "out", "-w", "%{http_code}", plain.http + "/file").stdout
            self.assertEqual(code, b"502")

    def test_what_is_wrong_is_said(self):
        for arguments, code, said in [
            ([], 2, "--upstream"),
            (["--upstream", "http://h/path"], 2, "nothing behind"),
            (["--upstream", "ftp://h"], 1, "ftp"),
            (["--upstream", "http://h", "--listen", "nowhere"], 2, "nowhere"),
            (["--upstream", "http://h", "--grace"], 2, "--grace"),
            (["--upstream", "http://h", "--key", "k"], 2, "--certificate"),
        ]:
            with self.subTest(arguments):
                ended = subprocess.run([PROXY, *arguments], capture_output=True, timeout=PATIENCE, text=True, check=False)
                self.assertEqual(ended.returncode, code, ended.stderr)
                self.assertIn(said, ended.stderr)


def upstream_port(head):
    return re.search(rb"Host: 127\.0\.0\.1:(\d+)", head)[1].decode()


if __name__ == "__main__":
    main()
