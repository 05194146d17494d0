"""Servers for what `weir origin` is not: TLS, and a port where nobody answers."""

import contextlib
import functools
import http.server
import shutil
import socket
import ssl
import subprocess
import threading

OPENSSL = shutil.which("openssl")


def openssl(*arguments):
    subprocess.run([OPENSSL, *arguments], check=True, capture_output=True, timeout=60)


class Authority:
    """A certificate authority in a directory of the test's."""

    NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")

    def __init__(self, directory):
        self.directory = directory
        self.certificate = str(directory / "ca.pem")
        openssl("req", "-x509", *self.NEW_KEY, "-keyout", directory / "ca.key", "-out", self.certificate, "-days", "2",
                "-subj", "/CN=authority of a test")

    def issue(self, names="DNS:localhost,IP:127.0.0.1", days=2):
        """A file of a key and a certificate for these names."""
        key, request, extensions, made = (self.directory / name for name in ("key", "request", "extensions", "certificate"))
        extensions.write_text(f"subjectAltName={names}\n")
        openssl("req", *self.NEW_KEY, "-keyout", key, "-out", request, "-subj", "/CN=server of a test")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.directory / "ca.key",
                "-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", made)
        both = self.directory / "server.pem"
        both.write_bytes(key.read_bytes() + made.read_bytes())
        return both


class FileHandler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/no-word/"):
            if "Proxy-Authorization" in self.headers:
                return self.send_error(500)
            self.path = self.path.removeprefix("/no-word")
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to?"))
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


class QuietServer(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # clients that do not trust us


@contextlib.contextmanager
def serving(handler, context=None):
    """Answers by this handler, over TLS where there is a context; gives the port."""
    with QuietServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        if context:
            # The hand-shake is its connection's business, not that of the thread that accepts.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def http_files(directory):
    """Serves a directory; gives the port. `/to?URL` redirects there."""
    return serving(functools.partial(FileHandler, directory=directory))


def https(directory, certificate):
    """The same over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return serving(functools.partial(FileHandler, directory=directory), context)


@contextlib.contextmanager
def https_without_farewell(certificate):
    """A port where one TLS connection is answered, and then neither read nor closed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    over = threading.Event()

    def serve(listener):
        with contextlib.suppress(OSError), listener.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            over.wait()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()


@contextlib.contextmanager
def nobody():
    """A port that is taken, and refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextlib.contextmanager
def deaf():
    """A port whose queue is full: connections to it are neither made nor refused."""
    with socket.socket() as listener, contextlib.ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
