#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the C and C++ files are laid out as clang-format 14 does. Exit status 77: it is missing."""
import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77
FOLDERS = ("src", "include", "tools", "tests", "examples", "bench", "bindings")


def main():
    root = pathlib.Path(sys.argv[1])
    program = shutil.which("clang-format-14")
    if program is None:
        print("skipped: there is no clang-format-14; Debian has it in the package of this name")
        return SKIPPED
    files = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*"))
             if path.suffix in (".c", ".h", ".cpp", ".hpp")]
    result = subprocess.run([program, "--dry-run", "-Werror", *files], check=False)
    print(f"{len(files)} files checked")
    return 1 if result.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
