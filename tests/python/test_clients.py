# SPDX-License-Identifier: Apache-2.0
"""Packages that were written for ONNX Runtime, unchanged: over onnxrun they answer the same."""
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# The model of magika takes variances as differences of squares, where rounding shows: its scores differ
# by up to 4e-4, those of the others by less than 1e-5.
TOLERANCE = 1e-3


def answers(*command):
    ran = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def assert_same(got, expected):
    """Equal, except that numbers may differ a little."""
    assert type(got) is type(expected)
    if isinstance(expected, list):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, float):
        assert abs(got - expected) <= TOLERANCE
    else:
        assert got == expected


@pytest.mark.parametrize("path", sorted((HERE / "clients").rglob("*.py")), ids=lambda p: p.stem)
def test_answers_are_those_over_onnx_runtime(path):
    if path.parent.name == "torch" and importlib.util.find_spec("torch") is None:
        pytest.skip("needs tests/python/requirements-torch.txt, which tools/test --full installs")
    expected = answers(path, ROOT)
    assert len(expected) > 5
    assert_same(answers("-m", "onnxrun.as_onnxruntime", path, ROOT), expected)
