#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every command of the documentation, and compares what it prints with what stands there.

Commands are the lines "$ ..." of blocks marked console; what follows is their output, in which "..."
stands for any text: within a line, or as a line for any number of lines. Each page runs in one shell,
in a folder of links to the files of the repository.

    commands.py ROOT BUILD [PAGE]...

Without pages: README.md and those of docs. The Python that runs this is the first one that they find.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

MARK = "--- end of a command ---"
TIMEOUT = 300


def examples(page):
    """(command, expected output) for each command of a page, in order."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", page, re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def pattern(expected):
    """A regular expression for an output with "..." in it."""
    lines = []
    for line in expected.splitlines(keepends=True):
        if line == "...\n":
            lines.append(r"(?:.*\n)*?")
        else:
            lines.append(".*".join(re.escape(part) for part in line.split("...")))
    return "".join(lines)


def run_page(commands, folder, environment):
    """What each command prints, on both streams."""
    script = "".join(f"{{ {command}\n}} 2>&1 </dev/null; echo '{MARK}'\n" for command in commands)
    result = subprocess.run(["sh"], input=script, cwd=folder, env=environment, text=True,
                            capture_output=True, timeout=TIMEOUT, check=False)
    return result.stdout.split(MARK + "\n")


def check_page(path, root, build):
    failures = 0
    found = examples(path.read_text(encoding="utf-8"))
    environment = os.environ | {
        "PATH": f"{build / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as scratch:
        for entry in root.iterdir():
            if entry.name != "build":
                (Path(scratch) / entry.name).symlink_to(entry)
        (Path(scratch) / "build").mkdir()
        (Path(scratch) / "build" / "release").symlink_to(build)
        outputs = run_page([command for command, _ in found], scratch, environment)
    for (command, expected), output in zip(found, outputs):
        if not re.fullmatch(pattern(expected), output):
            failures += 1
            print(f"{path.name}: $ {command}\n{output}-- expected:\n{expected}")
    print(f"{path.name}: {len(found)} commands, {failures} failed")
    return failures + (len(outputs) != len(found) + 1)


def main():
    root, build = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    pages = [root / page for page in sys.argv[3:]] or [root / "README.md",
                                                       *sorted((root / "docs").glob("*.md"))]
    failures = sum(check_page(page, root, build) for page in pages)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
