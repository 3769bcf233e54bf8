#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while a command writes a file leaves nothing of it, and one line says what happened.

    interrupt.py BIN_DIR MAKE_MODELS
"""
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from large_model import make_large_model

ATTEMPTS = 20  # to be in time for a file that is written in a moment
LARGE = ["relu.onnx", "-i", "x=zeros", "-d", "s1=8000000"]  # 96 MB
ENDLESS = ["relu.onnx", "-d", "s1=1000000", "--seconds", "60"]  # fewer runs than bench ends at
LONG = ["attention.onnx", "-i", "x=zeros", "-d", "n=4096"]
# Commands, and what the name of the file begins with that they are writing; "": none yet.
COMMANDS = [
    (["onnxrun", "run", *LARGE, "-o", "y=out.npy"], "out.npy."),
    (["onnxrun", "run", *LARGE, "--dump", "folder"], "folder/"),
    (["onnxrun", "run", *LONG, "--attention", "weights.npy"], "weights.npy."),
    (["onnxrun", "run", *LONG, "--attention", "folder/", "--threads", "1"], "folder/"),
    (["onnxrun", "profile", *ENDLESS, "--trace", "trace.json"], ""),
    (["onnxrun", "bench", *ENDLESS], ""),
    (["onnxdump", "large.onnx", "--extract", "..", "-o", "parts/part.onnx"], "parts/part.onnx."),
]


def files_in(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def allow_interrupts():
    """In the child: Ctrl-C as a shell leaves it for what runs in the foreground."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def catches(process, number):
    """Whether a process has a handler, which the kernel tells."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return int(mask, 16) >> number - 1 & 1


def is_writing(process, folder, begin, before):
    """Waits for a file whose name begins so, or until the command catches signals; False: it ended
    before."""
    while process.poll() is None:
        if begin and any(name.startswith(begin) for name in files_in(folder) - before):
            return True
        if not begin and catches(process.pid, signal.SIGTERM):
            return True
    return False


def interrupt(command, begin, number, folder):
    """The status and the text of a command that got a signal, and the files that it left."""
    before = files_in(folder)
    with subprocess.Popen(command, cwd=folder, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          preexec_fn=allow_interrupts) as process:
        if is_writing(process, folder, begin, before):
            process.send_signal(number)
        out, text = process.communicate()
    return process.returncode, out + text, files_in(folder) - before


def check(command, begin, number, folder):
    for _ in range(ATTEMPTS):
        status, text, left = interrupt(command, begin, number, folder)
        if status != 0:
            break
        for name in left:  # it was done before the signal came
            (folder / name).unlink()
    assert status == -number, (command, status, text)
    assert text == f"{command[0]}: interrupted\n", (command, text)
    assert not left, (command, left)


def check_status(folder):
    """What a shell makes of it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        command = (f"timeout --preserve-status -s {int(number)} 0.3 "
                   f"onnxrun bench {' '.join(ENDLESS)}; echo $?")
        text = subprocess.run(["sh", "-c", command], cwd=folder, text=True, capture_output=True,
                              check=True, preexec_fn=allow_interrupts).stdout
        assert text == f"{128 + number}\n", text


def main():
    commands, make_models = Path(sys.argv[1]), sys.argv[2]
    os.environ["PATH"] = f"{commands}:{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([make_models, "."], cwd=folder, check=True)
        make_large_model(folder, 1 << 27)
        (folder / "parts").mkdir()
        for command, begin in COMMANDS:
            for number in (signal.SIGINT, signal.SIGTERM):
                check(command, begin, number, folder)
        check_status(folder)
    print(f"{len(COMMANDS)} commands leave nothing behind")
    return 0


if __name__ == "__main__":
    sys.exit(main())
