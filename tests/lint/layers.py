#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the include table of the design, and that single-home things stay at home."""
import pathlib
import re
import sys

ALLOWED = {
    "base": {"base"},
    "kernels": {"base", "kernels"},
    "graph": {"base", "graph"},
    "ops": {"base", "graph", "kernels", "ops"},
    "runtime": {"base", "graph", "runtime"},
    "api": {"base", "graph", "kernels", "ops", "runtime", "api", "onnxrun"},
}
POSIX = {"unistd.h", "fcntl.h", "sched.h", "dirent.h", "pthread.h"}

# (what to find, in which files it may stand, why)
BANNED = [
    (r"\b(malloc|calloc|realloc|free|aligned_alloc)\s*\(", {"base/mem.c"}, "use onr_mem or onr_arena"),
    (r"\b(exit|abort|_Exit|quick_exit)\s*\(", set(), "the library never ends the process"),
    (r"\b(printf|puts|putchar|fprintf|perror)\s*\(", set(), "the library never prints"),
    (r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|strtok|rand|srand)\s*\(", set(),
     "unbounded, unchecked or stateful"),
    (r"\balloca\s*\(", set(), "stack size from data"),
    (r"#\s*pragma\s+omp|#\s*include\s*<omp\.h>|\bonr_os_thread_start\b",
     {"base/parallel.c", "base/os.h", "base/os_posix.c"}, "threads have one home"),
]
# A function pointer named alloc or free in a struct is called through that struct.
MEMBER_CALL = re.compile(r"(->|\.)\s*(alloc|free)\s*\(|\(\*\s*(alloc|free)\)\s*\(")


def strip_comments(text):
    """Blanks comments and string literals, keeping line numbers."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def check_includes(path, layer, lines):
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        header = match[2]
        first = header.split("/")[0]
        if "/" in header and (first in ALLOWED or first == "onnxrun"):
            if first not in ALLOWED[layer]:
                yield number, f"{layer} must not include {header}"
        elif header == "onnx.pb-c.h" or header.startswith("protobuf-c/"):
            if "graph/import/" not in path:
                yield number, "protobuf is seen by src/graph/import only"
        elif header.endswith("intrin.h") and layer != "kernels":
            yield number, "intrinsics belong to src/kernels"
        elif (header in POSIX or header.startswith("sys/")) and path != "base/os_posix.c":
            yield number, "POSIX headers belong to src/base/os_posix.c"


def check_banned(path, lines):
    for number, line in enumerate(lines, 1):
        plain = MEMBER_CALL.sub("", line)
        for pattern, homes, why in BANNED:
            if path not in homes and re.search(pattern, plain):
                yield number, f"{line.strip()[:60]}: {why}"


def main():
    root = pathlib.Path(sys.argv[1])
    failures = 0
    files = sorted(p for p in (root / "src").rglob("*") if p.suffix in (".c", ".h"))
    for file in files:
        path = file.relative_to(root / "src").as_posix()
        text = file.read_text(encoding="utf-8")
        layer = path.split("/")[0]
        found = list(check_includes(path, layer, text.split("\n")))
        found += check_banned(path, strip_comments(text).split("\n"))
        for number, what in found:
            print(f"src/{path}:{number}: {what}")
            failures += 1
    for file in (p for folder in ("tools", "bindings")
                 for p in sorted((root / folder).rglob("*.[ch]"))):
        text = file.read_text(encoding="utf-8")
        for number, line in enumerate(text.split("\n"), 1):
            if re.match(r'\s*#\s*include\s*"(base|graph|kernels|ops|runtime|api)/', line):
                print(f"{file.relative_to(root)}:{number}: tools and bindings include public headers only")
                failures += 1
    print(f"{len(files)} files checked, {failures} findings")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
