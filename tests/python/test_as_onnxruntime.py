# SPDX-License-Identifier: Apache-2.0
"""Programs that import onnxruntime run over onnxrun, unchanged."""
import subprocess
import sys

import pytest
from conftest import ADD

PROGRAM = """
import importlib.metadata
import sys

import numpy as np
import onnxruntime as ort
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.capi import _pybind_state as C
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

assert sys.argv[1:] == ["--flag", "{path}"], sys.argv
assert __name__ == "__main__"
assert int(ort.__version__.split(".")[0]) >= 1
assert importlib.metadata.version("onnxruntime")
assert C.OrtValue is ort.OrtValue
session = InferenceSession(sys.argv[2], SessionOptions(), providers=ort.get_available_providers())
x = np.ones((2, 3), np.float32)
try:
    session.run(None, {{"x": x}})
except InvalidArgument as error:
    print(error)
print(session.run(["s"], {{"x": x, "y": x}})[0].sum(), type(session).__module__)
sys.exit(3)
"""


def run(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "onnxrun.as_onnxruntime", *arguments],
                          capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize("as_module", [False, True])
def test_a_program_runs_unchanged(tmp_path, as_module):
    path = tmp_path / "model.onnx"
    path.write_bytes(ADD)
    (tmp_path / "program.py").write_text(PROGRAM.format(path=path))
    target = ["-m", "program"] if as_module else [tmp_path / "program.py"]
    ran = run(*target, "--flag", path, cwd=tmp_path)
    assert ran.returncode == 3, ran.stderr
    assert ran.stdout == 'input "y" is missing; it is float[n, 3]\n12.0 onnxrun._session\n'


def test_usage():
    assert run("--help").stdout.startswith("Runs a program that imports onnxruntime")
    assert run().returncode == 1
