#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks every text file of the repository: no leftovers, no paths of one machine, clean lines."""
import pathlib
import re
import subprocess
import sys

LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(home|root|Users|work|mnt)/\w")
SCRIPTS = (".py", ".sh", ".cmake", ".c", ".h", ".proto")
SCRIPT_NAMES = ("CMakeLists.txt", "quickstart", "test", "run", "wheel")


def text_of(path):
    """The file's text, or None for binary files."""
    data = path.read_bytes()
    if b"\0" in data[:8000]:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def check(name, text):
    """Yields (line number, what is wrong)."""
    lines = text.split("\n")
    if lines[-1] != "" or lines[-2:] == ["", ""]:
        yield len(lines), "a file ends with one line feed"
    is_script = name.endswith(SCRIPTS) or name.split("/")[-1] in SCRIPT_NAMES
    if is_script and "SPDX-License-Identifier: Apache-2.0" not in "".join(lines[:2]):
        yield 1, "the SPDX line is missing"
    for number, line in enumerate(lines, 1):
        if line.endswith((" ", "\t", "\r")):
            yield number, "white space at the end of the line"
        if LEFTOVERS.search(line) and not name.startswith("tests/lint/"):
            yield number, f"a leftover: {line.strip()[:60]}"
        if MACHINE_PATH.search(line):
            yield number, f"a path of one machine: {line.strip()[:60]}"


def main():
    root = pathlib.Path(sys.argv[1])
    listing = subprocess.run(["git", "-C", root, "ls-files", "-z"], check=True,
                             capture_output=True, text=True).stdout
    files = failures = 0
    for name in filter(None, listing.split("\0")):
        path = root / name
        text = text_of(path) if path.is_file() and name != "LICENSE" else None
        if text:
            files += 1
            for number, what in check(name, text):
                print(f"{name}:{number}: {what}")
                failures += 1
    print(f"{files} files checked, {failures} findings")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
