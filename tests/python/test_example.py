# SPDX-License-Identifier: Apache-2.0
"""The example of examples, over the wheel installed into an empty folder."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "embed.py"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """In which onnxrun comes from a folder of its own."""
    folder = tmp_path_factory.mktemp("prefix")
    wheel, = (ROOT / "build" / "wheel").glob("*.whl")
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install",
                    "--no-deps", "--no-index", "--target", folder, wheel], check=True)
    return {**os.environ, "PYTHONPATH": str(folder)}


def run(environment, *arguments):
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True,
                          text=True, check=False)


def test_it_sees_a_zero(environment):
    where = run(environment, "-c", "import onnxrun; print(onnxrun.__file__)").stdout
    assert where.startswith(environment["PYTHONPATH"])
    ran = run(environment, EXAMPLE, ROOT / "models" / "digits-vit" / "digits-vit-ts.onnx")
    assert (ran.stdout, ran.stderr, ran.returncode) == ("digit: 0\n", "", 0)


def test_it_says_what_is_wrong(environment):
    ran = run(environment, EXAMPLE, "missing.onnx")
    assert ran.returncode == 1 and ran.stderr.startswith("embed.py: ")
    assert "missing.onnx" in ran.stderr
    assert run(environment, EXAMPLE).stderr == "usage: embed.py MODEL\n"
