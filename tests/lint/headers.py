#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles each header alone, so that none depends on what was included before it."""
import pathlib
import subprocess
import sys

FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", "c", "-"]
# Headers with intrinsics are for files that are compiled for an instruction set.
KERNEL_FLAGS = ["-mavx2", "-mfma", "-mf16c", "-mbmi2", "-mavx512f", "-mavx512bw", "-mavx512dq",
                "-mavx512vl", "-DONR_ISA=avx512"]


def main():
    root, generated, compiler = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    includes = [f"-I{root / folder}" for folder in ("src", "include", "tools", "tests")]
    includes += ["-isystem", generated]
    headers = [path for folder in ("src", "include", "tools", "tests")
               for path in sorted((root / folder).rglob("*.h"))
               if not path.name.endswith("_list.h")]  # read by whoever defines their macros
    failures = 0
    for header in headers:
        kernel = header.is_relative_to(root / "src/kernels")
        command = [compiler, *includes, *(KERNEL_FLAGS if kernel else []), *FLAGS]
        source = f'#include "{header}"\nextern int onr_not_empty;\n'
        failures += subprocess.run(command, input=source, text=True, check=False).returncode != 0
    print(f"{len(headers)} headers compiled, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
