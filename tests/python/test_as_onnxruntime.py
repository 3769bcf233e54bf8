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


WORKERS = """
import multiprocessing
import subprocess
import sys

import onnxruntime
from onnxruntime.quantization import QuantType  # from the real package


def engine(_):
    return type(onnxruntime.InferenceSession({path!r})).__module__


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(engine, [0]))
    print(subprocess.run([sys.executable, "-c", "import onnxruntime; from onnxruntime.capi import "
                          "_pybind_state; from onnxruntime.quantization import QuantType; "
                          "print(onnxruntime.InferenceSession.__module__, "
                          "onnxruntime.get_version_string())"],
                         capture_output=True, text=True).stdout)
"""


def test_processes_that_a_program_starts_run_over_it_too(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(ADD)
    (tmp_path / "program.py").write_text(WORKERS.format(path=str(path)))
    ran = run(tmp_path / "program.py", cwd=tmp_path)
    assert ran.stdout == "['onnxrun._session']\nonnxrun._session 1.31.1\n\n", ran.stderr


def test_usage():
    assert run("--help").stdout.startswith("Runs a program that imports onnxruntime")
    assert run().returncode == 1
