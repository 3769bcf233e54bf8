# SPDX-License-Identifier: Apache-2.0
"""The commands onnxrun and onnxdump, which the package carries.

    python -m onnxrun run MODEL ...      python -m onnxrun bench MODEL ...
    python -m onnxrun test FOLDER ...    python -m onnxrun profile MODEL ...
    python -m onnxrun dump MODEL ...     python -m onnxrun compare MODEL ...

"--help" after any of them, or alone, explains.
"""
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn


def _become(command: str, arguments: list[str]) -> NoReturn:
    """Goes on as this command, in the same process; `onnxrun compare` finds this Python."""
    os.environ.setdefault("PYTHON", sys.executable)
    path = Path(__file__).parent / "bin" / command
    os.execv(path, [str(path), *arguments])


def onnxrun() -> NoReturn:
    """The command onnxrun."""
    _become("onnxrun", sys.argv[1:])


def onnxdump() -> NoReturn:
    """The command onnxdump."""
    _become("onnxdump", sys.argv[1:])


def main() -> NoReturn:
    if sys.argv[1:2] == ["dump"]:
        _become("onnxdump", sys.argv[2:])
    onnxrun()


if __name__ == "__main__":
    main()
