#!/usr/bin/env python3
"""Runs an example and compares what it prints with what its head comment says it prints.

usage: run.py PROGRAM SOURCE

The comment has a line `//   $ NAME ARGUMENT...` and below it the expected output, indented alike. The program is run
in the directory of this script, where the inputs are. One that takes a file has to say what is wrong where it gets none, or
one that is not there.
"""

import shlex
import subprocess
import sys
from pathlib import Path

INDENT = "//   "


def command_and_output(source):
    lines = [line for line in source.read_text().splitlines() if line.startswith(INDENT)]
    if not lines or not lines[0].startswith(INDENT + "$ "):
        sys.exit(f"{source}: no command in the head comment")
    return lines[0][len(INDENT) + 2 :], "".join(line[len(INDENT) :] + "\n" for line in lines[1:])


def run(program, arguments, **streams):
    return subprocess.run(
        [program, *arguments], cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True, check=False, **streams
    )


def check_refusals(program):
    for arguments, told in (([], "usage: "), (["no-such-file"], "no-such-file: ")):
        refused = run(program, arguments, stderr=subprocess.PIPE)
        if (refused.returncode, refused.stdout) != (1, "") or told not in refused.stderr:
            sys.exit(f"{program.name} {arguments}: exit code {refused.returncode}, {refused.stdout}{refused.stderr}")


def main(program, source):
    command, expected = command_and_output(source)
    arguments = shlex.split(command)[1:]
    done = run(program, arguments)
    if done.returncode != 0:
        sys.exit(f"{command}: exit code {done.returncode}")
    if done.stdout != expected:
        sys.exit(f"{command}: expected\n{expected}but got\n{done.stdout}")
    if arguments:
        check_refusals(program)
    length = len(source.read_text().splitlines())
    if length > 40:
        sys.exit(f"{source}: {length} lines; an example has at most 40")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
