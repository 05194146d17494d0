#!/usr/bin/env python3
"""weir origin: the command, with curl as the client where it is installed."""

import signal
import socket
import unittest

from harness import CURL, PATIENCE, CommandTest, main


class Origin(CommandTest):
    def play(self, script, *arguments):
        """Starts the origin; `self.where` is what it listens on."""
        self.process, self.where = self.start_origin(script, *arguments)

    def stop(self, how=signal.SIGTERM, after=0):
        """Ends the command, `after` so many lines; gives its exit code, and what it has said since it began to listen."""
        lines = b"".join(self.process.stdout.readline() for _ in range(after))
        self.process.send_signal(how)
        said, complaints = self.process.communicate(timeout=PATIENCE)
        self.assertEqual(complaints, b"")
        return self.process.returncode, (lines + said).decode()

    def ask(self, request):
        """What comes for these bytes, until the end."""
        host, port = self.where.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
            connection.sendall(request)
            answer = b""
            try:
                while piece := connection.recv(65536):
                    answer += piece
            except ConnectionResetError:
                pass
        return answer

    def test_what_the_script_says_is_sent_and_each_request_is_a_line(self):
        self.play('on /a\n send "HTTP/1.1 200 OK\\r\\n\\r\\nhi"\n close\n')
        self.assertEqual(self.ask(b"GET /a HTTP/1.1\r\n\r\n"), b"HTTP/1.1 200 OK\r\n\r\nhi")
        self.assertIn(b"404", self.ask(b"GET /b\x1b[2J HTTP/1.0\r\n\r\n"))
        code, said = self.stop(after=2)
        self.assertEqual(code, 143)
        self.assertEqual(sorted(said.splitlines()), ["1.1 GET /a: line 1, 21 bytes sent",
                                                     "2.1 GET /b\\x1b[2J: no rule, 64 bytes sent"])

    def test_quiet_says_only_where_it_listens(self):
        self.play("on /a\n answer 200\n", "--quiet")
        self.ask(b"GET /a HTTP/1.0\r\n\r\n")
        self.assertEqual(self.stop(signal.SIGINT), (130, ""))

    def test_a_unix_socket_is_gone_when_the_command_is(self):
        self.play("listen 127.0.0.1:0\n", "--listen", "unix:here")
        self.assertEqual(self.where, "unix:here")
        self.assertTrue((self.directory / "here").is_socket())
        self.stop()
        self.assertFalse((self.directory / "here").exists())

    def test_what_is_wrong_is_said(self):
        self.write("bad", b"on /a\n answr 200\n")
        for arguments, code, said in [
            ([], 2, "origin needs one SCRIPT"),
            (["a", "b"], 2, "origin needs one SCRIPT"),
            (["bad"], 2, "bad:2: bad format (no statement is called 'answr')"),
            (["missing"], 1, "open missing: no such file or directory"),
            (["--listen", "nowhere", "-"], 2, "nowhere"),
        ]:
            with self.subTest(arguments):
                result = self.weir("origin", *arguments)
                self.assertEqual(result.returncode, code)
                self.assertEqual(result.stdout, b"")
                self.assertIn(said, result.stderr.decode())

    @unittest.skipUnless(CURL, "curl is not installed")
    def test_curl_resumes_what_broke_off(self):
        self.play("object disk 1MiB seed 7\n"
                   "on /whole\n serve disk\n"
                   "on /disk request 1\n serve disk\n reset at body 300000\n"
                   "on /disk\n serve disk\n")
        self.assertEqual(self.curl("-o", "whole", self.where + "/whole").returncode, 0)
        self.assertNotEqual(self.curl("-o", "disk", self.where + "/disk").returncode, 0)
        self.assertEqual((self.directory / "disk").stat().st_size, 300000)
        self.assertEqual(self.curl("-C", "-", "-o", "disk", self.where + "/disk").returncode, 0)
        self.assertEqual((self.directory / "disk").read_bytes(), (self.directory / "whole").read_bytes())

    @unittest.skipUnless(CURL, "curl is not installed")
    def test_curl_finds_the_lies(self):
        self.play("object small 1000\n"
                   "on /long\n serve small\n header Content-Length: 2000\n close\n"
                   "on /reset\n reset\n"
                   "on /empty\n close\n"
                   "on /stall\n serve small\n stall at body 10\n"
                   "on /chunks\n serve small\n chunked 100\n reset at body 500\n")
        for path, code in [("/long", 18), ("/reset", 56), ("/empty", 52), ("/stall", 28), ("/chunks", 56)]:
            with self.subTest(path):
                self.assertEqual(self.curl("--max-time", "1", self.where + path).returncode, code)

    @unittest.skipUnless(CURL, "curl is not installed")
    def test_curl_uploads_follows_and_retries(self):
        self.play("on PUT /up\n answer 201\n"
                   "on /from\n redirect 302 /to\n"
                   'on /to\n answer 200\n body "there"\n chunked 2\n'
                   "on /busy request 1..2\n answer 503\n header Retry-After: 1\n"
                   'on /busy\n answer 200\n body "at last"\n')
        self.write("content", b"x" * 2_000_000)
        self.assertEqual(self.curl("-f", "-T", "content", self.where + "/up").returncode, 0)
        self.assertEqual(self.curl("-L", self.where + "/from").stdout, b"there")
        self.assertEqual(self.curl("-f", "--retry", "2", self.where + "/busy").stdout, b"at last")
        self.assertIn("PUT /up: line 1, 43 bytes sent, 2000000 bytes received", self.stop()[1])

    @unittest.skipUnless(CURL, "curl is not installed")
    def test_curl_goes_through_it_as_a_proxy(self):
        self.play("on CONNECT * without Proxy-Authorization\n answer 407\n header Proxy-Authenticate: Basic realm=x\n"
                   "on CONNECT *\n tunnel\n"
                   'on http://other.test/*\n answer 200\n body "in absolute form"\n'
                   'on /inside\n answer 200\n body "through the tunnel"\n')
        plain = self.curl("-x", self.where, "http://other.test/x")
        self.assertEqual(plain.stdout, b"in absolute form")
        tunnel = ("-p", "-x", self.where, self.where + "/inside")
        self.assertEqual(self.curl(*tunnel).returncode, 56)
        self.assertEqual(self.curl("--proxy-user", "u:p", *tunnel).stdout, b"through the tunnel")


if __name__ == "__main__":
    main()
