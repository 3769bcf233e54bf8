#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures functions and files: length limits of CONTRIBUTING.md, SPDX lines, and no leftovers."""
import pathlib
import re
import statistics
import sys

MAX_LINES = 60          # of a function
MAX_KERNEL_LINES = 150  # of a function in src/kernels
MAX_FILE_LINES = 400
LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def functions(lines):
    """Yields (name, first line, length) of each function that is laid out as clang-format does."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            head = start - 1
            while head > 1 and not re.match(r"[a-zA-Z_].*\(", lines[head - 1]):
                head -= 1
            match = re.search(r"(\w+)\s*\(", lines[head - 1])
            yield (match[1] if match else "?"), start, number - start + 1
            start = None


def main():
    root = pathlib.Path(sys.argv[1])
    failures, lengths = 0, []
    files = [p for folder in ("src", "tools", "include", "tests", "examples", "bench",
                                    "bindings")
             for p in sorted((root / folder).rglob("*.[ch]"))]
    for file in files:
        path = file.relative_to(root).as_posix()
        lines = file.read_text(encoding="utf-8").split("\n")
        if "SPDX-License-Identifier: Apache-2.0" not in lines[0]:
            print(f"{path}:1: the SPDX line is missing")
            failures += 1
        for number, line in enumerate(lines, 1):
            if LEFTOVERS.search(line):
                print(f"{path}:{number}: {line.strip()[:70]}")
                failures += 1
        if path.startswith("tests/"):
            continue
        if len(lines) > MAX_FILE_LINES + 1 and not path.startswith("include/"):
            print(f"{path}: {len(lines) - 1} lines, at most {MAX_FILE_LINES}")
            failures += 1
        limit = MAX_KERNEL_LINES if path.startswith("src/kernels/") else MAX_LINES
        for name, start, length in functions(lines):
            lengths.append(length)
            if length > limit:
                print(f"{path}:{start}: {name} has {length} lines, at most {limit}")
                failures += 1
    median = statistics.median(lengths)
    print(f"{len(files)} files, {len(lengths)} functions, median {median} lines, {failures} findings")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
