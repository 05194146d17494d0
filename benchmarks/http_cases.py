"""The cases of HTTP: `weir cat URL`, `weir ingest URL...` and ingest_proxy beside curl, wget, aria2c, nginx and HAProxy, on the loopback
interface.
"""

import contextlib
import os
import re
import shutil
import statistics
import subprocess

import workloads
from cases import DEFAULT_LIMIT, GIB, KIB, MIB, SMALL_LIMIT, Skip, need, peak, rate
from figures import Figure
from processes import interleave, measure
from servers import HaProxy, IngestProxy, Nginx, NginxProxy, Origin

CAT_LIMIT = 32  # MiB


def need_command(run, subcommand, *words):
    """Skips unless the command's help has these words."""
    result = subprocess.run([run.weir, subcommand, "--help"], capture_output=True, text=True, check=False)
    missing = [word for word in ("URL", *words) if word not in result.stdout]
    if result.returncode != 0 or missing:
        raise Skip(f"weir {subcommand} does not know {', '.join(missing) or 'itself'}")


def need_nginx():
    need("openssl")
    if not Nginx.find():
        raise Skip("nginx is not installed")


class Meter:
    """Measures one command again and again: seconds for `interleave`, and the least CPU time and largest peak beside it."""

    def __init__(self, *command, server=None, env=None):
        self.command, self.server, self.env = command, server, env
        self.cpu = self.server_cpu = float("inf")
        self.peak_bytes = 0

    def __call__(self):
        before = self.server.cpu_seconds() if self.server else 0
        outcome = measure(self.command, env=self.env)
        self.cpu = min(self.cpu, outcome.cpu_seconds)
        self.peak_bytes = max(self.peak_bytes, outcome.peak_bytes)
        if self.server:
            self.server_cpu = min(self.server_cpu, self.server.cpu_seconds() - before)
        return outcome.seconds


def one_connection(run):
    """one large object over http and https, dropped: beside curl and wget; and cut and digested"""
    need_nginx()
    need("curl")
    need_command(run, "cat", "--cacert")
    size = workloads.fitting(min(run.size, 2 * GIB), run.work)
    root = run.work / "served"
    root.mkdir()
    path = workloads.random_file(root / "large", size)
    workloads.warm(path)
    with Nginx(run.work, root) as server:
        for scheme, base in (("http", server.http), ("https", server.https)):
            yield from one_scheme(run, scheme, f"{base}/large", server, size)
        yield from cut_and_digest(run, f"{server.http}/large", server, path, size)
    shutil.rmtree(root)


def one_scheme(run, scheme, url, server, size):
    curl = Meter("curl", "--silent", "--noproxy", "*", "--cacert", server.certificate, "--output", "/dev/null", url, server=server)
    meters = {"weir": Meter(run.weir, "cat", "--cacert", server.certificate, url), "curl": curl}
    if shutil.which("wget"):
        meters["wget"] = Meter("wget", "--quiet", "--no-proxy", f"--ca-certificate={server.certificate}", "--output-document=/dev/null", url)
    else:
        run.note("wget: not installed")
    times = interleave(meters, run.rounds)
    name = f"cat {size / GIB:.3g} GiB, {scheme}"
    target = 1.2 if scheme == "https" else 0
    yield Figure(name, rate(size, times["weir"]), "GB/s", "curl", rate(size, times["curl"]), 1.0, target)
    if "wget" in times:
        yield Figure(name, rate(size, times["weir"]), "GB/s", "wget", rate(size, times["wget"]))
    per_gib = {each: meter.cpu * GIB / size for each, meter in meters.items()}
    yield Figure(f"{name}, CPU", per_gib["weir"], "s/GiB", "curl", per_gib["curl"], 1.0, at_most=True)
    yield Figure(f"peak memory: {name}", meters["weir"].peak_bytes / MIB, "MiB", gate=CAT_LIMIT, at_most=True)


def cut_and_digest(run, url, server, path, size):
    """Beside what the cores could do if nothing but the parts cost anything: the server, curl, and our work in memory."""
    need_command(run, "ingest")
    ingest = Meter(run.weir, "ingest", "--quiet", url)
    curl = Meter("curl", "--silent", "--noproxy", "*", "--output", "/dev/null", url, server=server)
    memory = Meter(run.weir, "ingest", "--quiet", "--backend", "mmap", path)
    times = interleave({"weir": ingest, "curl": curl, "memory": memory}, run.rounds)
    cores = len(os.sched_getaffinity(0))
    allowed = cores * size / (curl.server_cpu + curl.cpu + memory.cpu) / 1e9
    name = f"ingest {size / GIB:.3g} GiB, http"
    yield Figure(name, rate(size, times["weir"]), "GB/s", f"{cores} cores, by the parts", allowed, 0.85)
    yield Figure(f"peak memory: {name}", ingest.peak_bytes / MIB, "MiB", gate=DEFAULT_LIMIT, at_most=True)
    yield peak(f"{name}, --memory 16M", measure((run.weir, "ingest", "--quiet", "--memory", "16M", url)), SMALL_LIMIT)


def many_objects(run):
    """10,000 objects of 8 KiB: beside curl --parallel"""
    need_nginx()
    need("curl")
    need_command(run, "ingest", "--parallel")
    count = 10_000
    root = run.work / "served"
    workloads.tree_of_small_files(root, count, 8 * KIB, 8 * KIB)
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    with Nginx(run.work, root) as server:
        urls = [f"{server.http}/{name}" for name in names]
        wanted = run.work / "curl.config"
        wanted.write_text("".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls))
        weir = Meter(run.weir, "ingest", "--quiet", *urls, server=server)
        curl = Meter("curl", "--silent", "--noproxy", "*", "--parallel", "--config", wanted)
        times = interleave({"weir": weir, "curl --parallel": curl}, run.rounds)
    shutil.rmtree(root)
    name = f"ingest {count:,} objects of 8 KiB, http"
    yield Figure(name, count / times["weir"], "objects/s", "curl --parallel", count / times["curl --parallel"], 2.0, 3.0)
    cores = len(os.sched_getaffinity(0))
    allowed = cores * count / (weir.server_cpu + weir.cpu)
    yield Figure(name, count / times["weir"], "objects/s", f"{cores} cores, by the parts", allowed)
    yield Figure(f"{name}, CPU", 1e6 * weir.cpu / count, "us an object", "curl --parallel", 1e6 * curl.cpu / count, at_most=True)
    yield Figure(f"peak memory: {name}", weir.peak_bytes / MIB, "MiB", gate=DEFAULT_LIMIT, at_most=True)


LONG_PATH = """
object large {size}
accept
    round-trip 50ms
    pace 1MiB per 50ms
on /large
    serve large
"""


def long_path(run):
    """parallel ranges over a long path: beside one connection, and beside aria2c -x16 -k1M"""
    need_command(run, "cat", "--parallel")
    size = 512 * MIB
    with Origin(run.weir, LONG_PATH.format(size=size)) as server:
        url = f"{server.http}/large"
        # One connection carries 20 MiB a second, whatever is asked for.
        part = 64 * MIB
        with Origin(run.weir, LONG_PATH.format(size=part)) as smaller:
            one = Meter(run.weir, "cat", "--parallel", "1", f"{smaller.http}/large")
            one_time = interleave({"weir": one}, 1)["weir"]
        meters = {"weir": Meter(run.weir, "cat", "--parallel", "16", url)}
        if shutil.which("aria2c"):
            command = ("aria2c", "--quiet", "--no-conf", "-x16", "-s16", "-k1M", "--file-allocation=none", "--allow-overwrite=true")
            meters["aria2c"] = Meter(*command, "--dir", run.work, "--out", "large", url)
        else:
            run.note("aria2c: not installed")
        times = interleave(meters, run.rounds)
    (run.work / "large").unlink(missing_ok=True)
    name = f"cat --parallel 16, {size / MIB:.3g} MiB over a long path"
    yield Figure(name, rate(size, times["weir"]) * 1e3, "MB/s", "one connection", rate(part, one_time) * 1e3, 6.0)
    if "aria2c" in times:
        yield Figure(name, rate(size, times["weir"]) * 1e3, "MB/s", "aria2c", rate(size, times["aria2c"]) * 1e3, 0.8)
    yield Figure(f"peak memory: {name}", meters["weir"].peak_bytes / MIB, "MiB", gate=DEFAULT_LIMIT, at_most=True)


def requests_per_second(url):
    """Of 64 connections that ask for one small object again and again, as long as it takes to tell."""
    said = subprocess.run(["wrk", "-t1", "-c64", "-d4s", url], capture_output=True, text=True, check=True).stdout
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])


def proxies(run):
    """ingest_proxy, which cuts and digests too, beside proxies that only pass on: a large object, and 64 connections"""
    need_nginx()
    need("curl", "wrk")
    program = run.weir.parents[1] / "examples" / "example-ingest-proxy"
    if not program.exists():
        raise Skip("example-ingest-proxy is not built")
    size = workloads.fitting(GIB, run.work)
    root = run.work / "served"
    root.mkdir()
    workloads.warm(workloads.random_file(root / "large", size))
    workloads.random_file(root / "small", 8 * KIB)
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(Nginx(run.work, root))
        peers = {"ingest_proxy": IngestProxy(program, origin.http), "nginx": NginxProxy(run.work, origin.http)}
        if HaProxy.find():
            peers["HAProxy"] = HaProxy(run.work, origin.http)
        else:
            run.note("haproxy: not installed")
        for each in peers.values():
            stack.enter_context(each)
        get = ("curl", "--silent", "--noproxy", "*", "--output", "/dev/null")
        times = interleave({name: Meter(*get, f"{each.http}/large") for name, each in peers.items()}, run.rounds)
        per_second = {name: [] for name in peers}
        for _ in range(run.rounds):
            for name, each in peers.items():
                per_second[name].append(requests_per_second(f"{each.http}/small"))
    shutil.rmtree(root)
    many = {name: statistics.median(values) for name, values in per_second.items()}
    for name in list(peers)[1:]:
        yield Figure(f"proxy, {size / GIB:.3g} GiB", rate(size, times["ingest_proxy"]), "GB/s", name, rate(size, times[name]))
    for name in list(peers)[1:]:
        yield Figure("proxy, 8 KiB by 64 connections", many["ingest_proxy"], "requests/s", name, many[name])


CASES = {
    "http-one": one_connection,
    "http-many": many_objects,
    "http-long-path": long_path,
    "http-proxy": proxies,
}
