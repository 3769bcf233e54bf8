#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Work that takes longer than a second tells on a terminal how far it is, and there alone.

progress.py BIN_DIR MAKE_MODELS

Exit status 77 where there are no pseudo-terminals, as in a bare container.
"""
import errno
import os
import pty
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from large_model import make_large_model

CLEAR = "\r\033[K"
# What draws a line, and a part of that line. slow stands for a Python that is slow to answer.
SLOW = [
    (["onnxrun", "bench", "relu.onnx", "-d", "s1=99999", "--seconds", "1.5"], "measuring relu.onnx  1 s"),
    (["onnxrun", "profile", "relu.onnx", "-d", "s1=99999", "--seconds", "1.5", "--no-limits"],
     "measuring relu.onnx  1 s"),
    (["onnxrun", "compare", "relu.onnx", "-d", "s1=4", "--against", "onnxruntime", "--python",
      "./slow"], "comparing relu.onnx  1 s"),
    (["onnxrun", "test", "cases", "--jobs", "1", "--timeout", "1.5"],
     "[##################............] 3/5  testing  1 s  2 failed"),
    (["onnxdump", "large.onnx", "--stats"], "] 0/1  reading large.onnx  1 s"),
]


def run(command, environment, folder, has_terminal=True):
    """What the command writes to stderr, which is a terminal or not."""
    master, terminal = pty.openpty() if has_terminal else os.pipe()
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=terminal) as process:
        os.close(terminal)
        text = b""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError as error:  # how a terminal ends
                assert error.errno == errno.EIO
                part = b""
            if not part:
                break
            text += part
        os.close(master)
        process.communicate()
    return text.decode()


def has_terminals():
    try:
        for descriptor in pty.openpty():
            os.close(descriptor)
    except OSError:
        return False
    return True


def make_slow(folder):
    """A program, and a test case whose input never comes."""
    slow = folder / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 1.5\n")
    slow.chmod(0o755)
    case = folder / "cases" / "stuck"
    shutil.copytree(folder / "cases" / "good", case)
    pipe = case / "test_data_set_0" / "input_0.pb"
    pipe.unlink()
    os.mkfifo(pipe)


def main():
    if not has_terminals():
        print("there are no pseudo-terminals here")
        return 77
    commands, make_models = Path(sys.argv[1]), sys.argv[2]
    environment = {"PATH": f"{commands}:{os.environ['PATH']}", "TERM": "xterm"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([make_models, "."], cwd=folder, check=True)
        make_large_model(folder, 1 << 29)
        make_slow(folder)
        for command, part in SLOW:
            text = run(command, environment, folder)
            assert part in text, (command, text)
            assert CLEAR in text[text.rindex(part):], (command, text)
        quick = ["onnxrun", "run", "relu.onnx", "-i", "x=ones", "-d", "s1=4"]
        assert run(quick, environment, folder) == ""
        slow = SLOW[0][0]
        assert run(slow, environment, folder, has_terminal=False) == ""
        assert run(slow, environment | {"NO_COLOR": "1"}, folder) == ""
        assert run(slow, environment | {"TERM": "dumb"}, folder) == ""
    print("progress is told on terminals alone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
