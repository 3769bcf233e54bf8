# SPDX-License-Identifier: Apache-2.0
"""The backend tests of the package onnx, over the package: those fail that fail in the commands."""
import os
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
import pytest
from conftest import ADD

import onnxrun
import onnxrun.backend

# The models of these tests are made in a folder that a variable names.
os.environ["ONNX_HOME"] = tempfile.mkdtemp()

EXPECTED = Path(__file__).parents[1] / "conformance" / "expected" / f"{onnx.__version__}.txt"
ONES = np.ones((2, 3), np.float32)


def backend_tests():
    """All tests; those that the list of this release names must fail."""
    onnxrun.set_seed(1)  # of `onnxrun test`: another could draw what numpy drew and pass
    tests = onnx.backend.test.BackendTest(onnxrun.backend.OnnxrunBackend, __name__)
    for line in EXPECTED.read_text().splitlines():
        if not line.startswith("#"):
            name = line.split()[0].split("/")[1]
            tests.xfail(f"^{name}_cpu$")
    tests.exclude("_cuda$")
    tests.exclude("^test_loop16_seq_none_cpu$")  # the runner takes len() of a scalar in a list
    return tests


globals().update(backend_tests().test_cases)


def test_a_model_is_prepared_and_run(tmp_path):
    model = onnx.load_from_string(ADD)
    prepared = onnxrun.backend.prepare(model)
    assert prepared.run([ONES, ONES]).s.sum() == 12
    assert prepared.run({"x": ONES, "y": ONES})[0].sum() == 12
    path = tmp_path / "model.onnx"
    path.write_bytes(ADD)
    assert onnxrun.backend.run_model(path, [ONES, ONES])[0].sum() == 12
    session = onnxrun.InferenceSession(ADD)
    assert onnxrun.backend.prepare(session).run([ONES, ONES])[0].sum() == 12


def test_what_is_not_there_is_said():
    model = onnx.load_from_string(ADD)
    assert onnxrun.backend.is_compatible(model) and not onnxrun.backend.supports_device("CUDA")
    model.graph.node[0].op_type = "NoSuchOperator"
    assert not onnxrun.backend.is_compatible(model)
    with pytest.raises(onnxrun.Unsupported, match='device "CUDA"'):
        onnxrun.backend.prepare(model, "CUDA")
    with pytest.raises(onnxrun.Unsupported, match="make a model of it"):
        onnxrun.backend.OnnxrunBackend.run_node(None, None)
