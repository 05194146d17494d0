"""The servers that the cases of HTTP fetch from: nginx, and the scripted origin. Each ends with its `with` block."""

import os
import shutil
import socket
import subprocess
import threading
import time


def free_ports(count):
    """Ports of the loopback interface that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def await_port(port, process):
    """Returns when somebody accepts connections."""
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"{process.args[0]} does not start")


class Server:
    """A process that goes with its `with` block."""

    process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def cpu_seconds(self):
        """What the process has used so far, in user and kernel mode."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Nginx(Server):
    """nginx as one process, over `root`, by http and by https with a certificate that is made here."""

    @staticmethod
    def find():
        return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

    def __init__(self, work, root):
        self.work, self.root = work / "nginx", root
        self.http_port, self.https_port = free_ports(2)
        self.http = f"http://127.0.0.1:{self.http_port}"
        self.https = f"https://localhost:{self.https_port}"
        self.certificate = self.work / "certificate.pem"

    def start(self):
        self.work.mkdir(exist_ok=True)
        key = self.work / "key.pem"
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", names, "-keyout", key, "-out", self.certificate],
            check=True, capture_output=True)
        configuration = self.work / "nginx.conf"
        configuration.write_text(self.configuration(key))
        self.process = subprocess.Popen(
            [self.find(), "-p", self.work, "-c", configuration, "-e", self.work / "error.log"], stderr=subprocess.DEVNULL)
        await_port(self.http_port, self.process)

    def configuration(self, key):
        places = "".join(f"{kind}_temp_path {self.work}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return (
            f"daemon off;\nmaster_process off;\npid {self.work}/pid;\nevents {{ worker_connections 1024; }}\n"
            f"http {{\naccess_log off;\nsendfile on;\nkeepalive_requests 1000000;\n{places}"
            f"server {{\nlisten 127.0.0.1:{self.http_port} backlog=1024;\nlisten 127.0.0.1:{self.https_port} ssl;\n"
            f"ssl_certificate {self.certificate};\nssl_certificate_key {key};\nroot {self.root};\n}}\n}}\n"
        )


class NginxProxy(Server):
    """nginx as one process that passes everything on; it keeps connections, and stores nothing."""

    def __init__(self, work, upstream):
        self.work, self.upstream = work / "nginx-proxy", upstream
        [self.port] = free_ports(1)
        self.http = f"http://127.0.0.1:{self.port}"

    def start(self):
        self.work.mkdir(exist_ok=True)
        configuration = self.work / "nginx.conf"
        places = "".join(f"{kind}_temp_path {self.work}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration.write_text(
            f"daemon off;\nmaster_process off;\npid {self.work}/pid;\nevents {{ worker_connections 1024; }}\n"
            f"http {{\naccess_log off;\nkeepalive_requests 1000000;\n{places}"
            f"upstream origin {{ server {self.upstream.removeprefix('http://')}; keepalive 64; keepalive_requests 1000000; }}\n"
            f"server {{\nlisten 127.0.0.1:{self.port} backlog=1024;\nlocation / {{\nproxy_pass http://origin;\n"
            f'proxy_http_version 1.1;\nproxy_set_header Connection "";\nproxy_max_temp_file_size 0;\n}}\n}}\n}}\n')
        self.process = subprocess.Popen(
            [Nginx.find(), "-p", self.work, "-c", configuration, "-e", self.work / "error.log"], stderr=subprocess.DEVNULL)
        await_port(self.port, self.process)


class HaProxy(Server):
    """HAProxy with one thread."""

    @staticmethod
    def find():
        return shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")

    def __init__(self, work, upstream):
        self.work, self.upstream = work, upstream
        [self.port] = free_ports(1)
        self.http = f"http://127.0.0.1:{self.port}"

    def start(self):
        configuration = self.work / "haproxy.cfg"
        configuration.write_text(
            "global\n nbthread 1\ndefaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n"
            f"listen all\n bind 127.0.0.1:{self.port}\n http-reuse always\n server origin {self.upstream.removeprefix('http://')}\n")
        self.process = subprocess.Popen([self.find(), "-db", "-q", "-f", configuration], stderr=subprocess.DEVNULL)
        await_port(self.port, self.process)


class IngestProxy(Server):
    """The example ingest_proxy, which cuts and digests what passes through it."""

    def __init__(self, program, upstream):
        self.program, self.upstream = program, upstream

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "--upstream", self.upstream, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE)
        self.http = "http://" + self.process.stdout.readline().decode().removeprefix("listening on ").strip()
        threading.Thread(target=self.process.stdout.read, daemon=True).start()  # a line for each stream


class Origin(Server):
    """`weir origin` with a script."""

    def __init__(self, weir, script):
        self.weir, self.script = weir, script

    def start(self):
        self.process = subprocess.Popen([self.weir, "origin", "--quiet", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write(self.script.encode())
        self.process.stdin.close()
        self.http = self.process.stdout.readline().decode().removeprefix("listening on ").strip()
