#!/usr/bin/env python3
"""Checks that hold for the whole tree, and that no compiler makes.

- No file names a path of the machine it was written on, or a host of a package registry: neither means
  anything elsewhere. (Wrap files name the places of their sources; that is what they are for.)
- A public header includes the standard library, Boost and weir, and nothing else: what the library is built
  on stays private, so that a consumer needs Boost's headers only. (<weir/fmt.hpp> is the opt-in for fmt.)
- A public header has `#pragma once` first, and includes no umbrella header of Asio.
- A test does not CAPTURE a structured binding: that is a lambda, for which clang 14 does not compile it.

usage: tree.py [ROOT]
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

MACHINE_PATH = re.compile(r"(?<![\w.}~-])/(?:work|farm|root|home/(?!USER\b)\w+|Users/\w+)/")
REGISTRY_HOST = re.compile(
    r"\b(?:deb|snapshot)\.debian\.org\b|\bpypi\.(?:org|python)|\bfiles\.pythonhosted\b|\bcrates\.io\b|\bproxy\.golang\b"
    r"|\bregistry\.(?:npmjs|yarnpkg)\b|\bghcr\.io\b|\bconan\.io\b|\bwrapdb\.mesonbuild\b"
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?P<name>[<"][^>"]+[>"])', re.MULTILINE)
ALLOWED_INCLUDE = re.compile(r"<(?:weir/[\w/]+\.hpp|boost/[\w/]+\.hpp|[a-z_]+)>")
UMBRELLAS = {"<boost/asio.hpp>", "<boost/beast.hpp>"}
ALLOWED_IN = {"fmt.hpp": {"<fmt/core.h>", "<fmt/format.h>", "<fmt/ostream.h>"}}


def files_of(root):
    """What git tracks; without git, all that is not made by a build."""
    if shutil.which("git"):
        listing = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=False)
        if listing.returncode == 0:
            return [root / name for name in listing.stdout.decode().split("\0") if name]
    made = (".git", "build", "__pycache__")
    return [p for p in root.rglob("*") if not any(part.startswith(made) for part in p.relative_to(root).parts)]


def names_of_this_machine(path, text, root):
    here = f"{root}/" if len(root.parts) > 2 else None
    for number, line in enumerate(text.split("\n"), 1):
        if MACHINE_PATH.search(line) or (here and here in line):
            yield f"{path}:{number}: a path of one machine: {line.strip()}"
        if path.suffix != ".wrap" and path.name != "tree.py" and REGISTRY_HOST.search(line):
            yield f"{path}:{number}: a host of a package registry: {line.strip()}"


def faults_of_header(path, text):
    if not text.startswith("#pragma once\n"):
        yield f"{path}:1: a public header begins with #pragma once"
    for match in INCLUDE.finditer(text):
        name = match["name"]
        if name in UMBRELLAS:
            yield f"{path}: includes all of Asio or Beast, {name}: name the narrow header"
        elif not ALLOWED_INCLUDE.fullmatch(name) and name not in ALLOWED_IN.get(path.name, ()):
            yield f"{path}: a public header includes {name}"


BINDING = re.compile(r"\bauto&{0,2}\s*\[(?P<names>[\w\s,]+)\]")
CAPTURED = re.compile(r"\bCAPTURE\((?P<name>\w+)\)")


def captured_bindings(path, text):
    """By indentation: a binding is known until a line stands further to the left."""
    known = []  # (indentation, names)
    for number, line in enumerate(text.split("\n"), 1):
        indentation = len(line) - len(line.lstrip())
        if line.strip():
            known = [each for each in known if each[0] <= indentation]
        if captured := CAPTURED.search(line):
            if any(captured["name"] in names for _, names in known):
                yield f"{path}:{number}: CAPTURE of a structured binding, which clang 14 does not compile"
        if binding := BINDING.search(line):
            known.append((indentation, {name.strip() for name in binding["names"].split(",")}))


def faults_of_tree(root):
    for path in files_of(root):
        if not path.is_file() or path.is_symlink():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # test data
        name = path.relative_to(root)
        yield from names_of_this_machine(name, text, root)
        if "include" in name.parts and "weir" in name.parts and path.suffix in {".hpp", ".in"}:
            yield from faults_of_header(name, text)
        if path.suffix in {".cpp", ".hpp"}:
            yield from captured_bindings(name, text)


def main(arguments):
    root = Path(arguments[0] if arguments else ".").resolve()
    faults = list(faults_of_tree(root))
    print("\n".join(faults) if faults else "no faults in the tree")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
