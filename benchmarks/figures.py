"""Figures, the bounds they are held against, and the table and JSON they end in."""

import json
import os
import platform
from dataclasses import asdict, dataclass


@dataclass
class Figure:
    """One comparison; the same fields as bench::figure in report.hpp. A bound of 0 is none."""

    name: str
    ours: float
    unit: str
    peer: str = ""
    theirs: float = 0
    gate: float = 0
    target: float = 0
    at_most: bool = False

    @property
    def value(self):
        """What is held against the bounds: the ratio to the peer, or the figure itself."""
        return self.ours / self.theirs if self.peer and self.theirs else self.ours

    def reaches(self, bound):
        return bound == 0 or (self.value <= bound if self.at_most else self.value >= bound)

    @property
    def verdict(self):
        if not self.gate and not self.target:
            return ""
        if not self.reaches(self.gate):
            return "MISSED"
        return "target" if self.reaches(self.target or self.gate) else "gate"


def load(path):
    """The figures that a benchmark program published."""
    if not path.exists():
        return []
    return [Figure(**json.loads(line)) for line in path.read_text().splitlines()]


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        names = [line.split(": ", 1)[1].strip() for line in info if line.startswith("model name")]
    return names[0] if names else platform.machine()


def cpu_features():
    wanted = ("avx2", "avx512f", "gfni", "sha_ni")
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        flags = next((line.split() for line in info if line.startswith(("flags", "Features"))), [])
    return [flag for flag in wanted if flag in flags]


def machine():
    return {
        "cpu": cpu_name(),
        "features": cpu_features(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
    }


def header():
    here = machine()
    return f"{here['cpu']} ({' '.join(here['features'])}), {here['cores']} cores, Linux {here['kernel']}"


def bound(figure, value):
    return f"{'<=' if figure.at_most else '>='} {value:g}" if value else ""


def table(figures):
    rows = [("", "weir", "", "peer", "ratio", "gate", "target", "")]
    for each in figures:
        peer = f"{each.theirs:.4g} {each.peer}" if each.peer else ""
        ratio = f"{each.value:.2f}" if each.peer else ""
        limits = (bound(each, each.gate), bound(each, each.target))
        rows.append((each.name, f"{each.ours:.4g}", each.unit, peer, ratio, *limits, each.verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    aligned = [[cell.rjust(w) if i in (1, 4, 5, 6) else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths))] for row in rows]
    return "\n".join("  ".join(row).rstrip() for row in aligned)


def write_json(path, figures, skipped):
    rows = [{**asdict(each), "value": each.value, "verdict": each.verdict} for each in figures]
    path.write_text(json.dumps({**machine(), "figures": rows, "skipped": skipped}, indent=1) + "\n")
