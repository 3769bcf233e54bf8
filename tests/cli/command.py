# SPDX-License-Identifier: Apache-2.0
"""The command onnxdump, for tests that are run as TEST.py BIN_DIR ... and need the package onnx."""
import subprocess
import sys
from pathlib import Path

try:
    import onnx  # noqa: F401
except ImportError:
    print("skipped: there is no package onnx")
    sys.exit(77)

COMMANDS = Path(sys.argv[1])


def onnxdump(*arguments, status=0):
    """Runs it, expecting this exit status and no control characters."""
    result = subprocess.run([COMMANDS / "onnxdump", *arguments], text=True, capture_output=True,
                            check=False)
    assert result.returncode == status, (arguments, result.returncode, result.stdout, result.stderr)
    assert "\x1b" not in result.stdout + result.stderr
    return result
