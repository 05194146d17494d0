#!/usr/bin/env python3
"""Builds and runs one consumer project against weir, in a temporary directory.

usage: run.py WAY SOURCE-ROOT BUILD-ROOT
WAY is pkgconfig, pkgconfig-static, cmake, cmake-static, testing (all against an installation of BUILD-ROOT), or
subproject.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(*command, **environment):
    print("+", *command, flush=True)
    subprocess.run([str(c) for c in command], env={**os.environ, **environment}, check=True)


def install(build, stage):
    """The root of an installed tree that was moved from where it was configured to be."""
    run("meson", "install", "-C", build, "--destdir", stage / "staged", "--quiet")
    config = next((stage / "staged").rglob("weirConfig.cmake"))
    header = next((stage / "staged").rglob("weir/version.hpp"))
    prefix = Path(os.path.commonpath([config, header]))
    return prefix.rename(stage / "moved")


def library_directory(prefix):
    return next(prefix.rglob("libweir.so")).parent


def with_pkgconfig(prefix, work, static):
    libraries = library_directory(prefix)
    shutil.copytree(HERE / "pkgconfig", work / "project")
    run("make", "-C", work / "project", f"STATIC={int(static)}", PKG_CONFIG_PATH=str(libraries / "pkgconfig"))
    return work / "project" / "consumer", libraries


def with_testing(prefix, work):
    libraries = library_directory(prefix)
    shutil.copytree(HERE / "testing", work / "project")
    run("make", "-C", work / "project", PKG_CONFIG_PATH=str(libraries / "pkgconfig"))
    return work / "project" / "consumer", libraries


def with_cmake(prefix, work, static):
    build = work / "build"
    options = (f"-DCMAKE_PREFIX_PATH={prefix}", f"-DWEIR_STATIC={'ON' if static else 'OFF'}", "-DCMAKE_BUILD_TYPE=Debug")
    run("cmake", "-S", HERE / "cmake", "-B", build, "-G", "Ninja", *options)
    run("cmake", "--build", build)
    return build / "consumer", library_directory(prefix)


def as_subproject(source, work):
    project = work / "project"
    shutil.copytree(HERE / "subproject", project)
    (project / "subprojects").mkdir()
    (project / "subprojects" / "weir").symlink_to(source)
    run("meson", "setup", work / "build", project, "-Dbuildtype=plain", "--unity", "on")
    run("ninja", "-C", work / "build", "--quiet", "consumer")
    return work / "build" / "consumer", work / "build" / "subprojects" / "weir"


def main(way, source, build):
    with tempfile.TemporaryDirectory(prefix="weir-consumer-") as name:
        work = Path(name)
        static = way.endswith("-static")
        if way == "subproject":
            program, libraries = as_subproject(Path(source), work)
        elif way == "testing":
            program, libraries = with_testing(install(build, work), work)
        else:
            build_with = with_pkgconfig if way.startswith("pkgconfig") else with_cmake
            program, libraries = build_with(install(build, work), work, static)
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        if static == ("libweir.so" in linked):
            sys.exit(f"linked the wrong way:\n{linked}")
        # A static program finds nothing of weir's at run time.
        run(program, LD_LIBRARY_PATH="" if static else str(libraries))


if __name__ == "__main__":
    main(*sys.argv[1:])
