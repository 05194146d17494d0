#!/usr/bin/env python3
"""Checks that the C++ code in the documentation is cut from programs that are compiled and run.

Every block marked `cpp` in README.md, docs/tutorial.md and docs/scripted-origin.md must stand, line for line, in a source below examples/.

usage: snippets.py [ROOT]
"""

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"^```cpp\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def main(root):
    programs = [path.read_text() for path in sorted(root.glob("examples/*/*.cpp"))]
    faults = 0
    for page in (root / "README.md", root / "docs" / "tutorial.md", root / "docs" / "scripted-origin.md"):
        text = page.read_text()
        for block in BLOCK.finditer(text):
            if not any("\n" + block["code"] in program for program in programs):
                line = text.count("\n", 0, block.start()) + 2
                print(f"{page.relative_to(root)}:{line}: this code is in none of the examples")
                faults += 1
    if not faults:
        print("all code of the documentation is in the examples")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()))
