#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`onnxrun compare --against onnxruntime`: the values inside models, of all types and places.

compare_onnxruntime.py ONNXRUN FOLDER_OF_CASES
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    import onnx.parser
    import onnxruntime  # noqa: F401 - the program that the command starts needs it
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

CASES = ["bert_sdpa__ts17", "gpt2_eager__dyn18", "vit_sdpa__ts14", "transformer__dyn18"]

TYPES = """<ir_version: 9, opset_import: ["": 19]>
g (string[n] text, bfloat16[n] b, float16[n] h, bool[n] q, float[1] e, int64[2] shape)
    => (string[m] texts, float8e4m3fn[n] f8, bfloat16[n] back, double[n] double, bool[n] either,
        float[k] values, int64[k] places, float[k, l] flat) {
    texts = Concat<axis = 0>(text, text)
    wide = Cast<to = 1>(b)
    f8 = Cast<to = 17>(wide)
    back = Cast<to = 16>(wide)
    double = Cast<to = 11>(h)
    either = Not(q)
    large = Expand(e, shape)
    two = Constant<value_ints = [2]>()
    values, places = TopK<axis = 0>(wide, two)
    flat = Flatten<axis = 0>(large)
}"""

EXTERNAL = """<ir_version: 9, opset_import: ["": 19]>
g (float[n, 2] x) => (float[n, 2] y) { p = MatMul(x, w) y = Relu(p) }"""


def compare(command, model, *options):
    """What the command finds: (exit status, its JSON or what it says)."""
    ran = subprocess.run([command, "compare", model, "--against", "onnxruntime", "--python",
                          sys.executable, "--json", *options], capture_output=True, text=True,
                         check=False)
    return ran.returncode, json.loads(ran.stdout) if ran.stdout else ran.stderr


def check_cases(command, folder):
    for case in CASES:
        model = folder / case / "model.onnx"
        names = [item.name for item in onnx.load(model).graph.input]
        data = folder / case / "test_data_set_0"
        options = [f"{name}={data}/input_{i}.pb" for i, name in enumerate(names)]
        status, found = compare(command, model, *[part for o in options for part in ("-i", o)])
        assert status == 0 and found["same"] > 20, (case, found)
        assert found["missing"] == 0, case


def check_types(command, scratch):
    model = scratch / "types.onnx"
    model.write_bytes(onnx.parser.parse_model(TYPES).SerializeToString())
    inputs = ("-i", 'text=["a", "ä\\n", ""]', "-i", "b=[1.5, -3, 2]", "-i", "h=[2, inf, nan]",
              "-i", "q=[true, false, true]", "-i", "e=[0.5]", "-i", "shape=[2, 3]")
    status, found = compare(command, model, *inputs)
    assert status == 0 and found["different"] == 0, found
    same = {value["value"] for value in found["values"] if value["verdict"] == "same"}
    assert same >= {"texts", "wide", "f8", "back", "double", "either", "large", "values", "places",
                    "flat"}, same


def check_external_data(command, scratch):
    """Weights in a file beside the model, which is not in the current folder."""
    model = onnx.parser.parse_model(EXTERNAL)
    model.graph.initializer.append(onnx.numpy_helper.from_array(
        np.array([[1, 2], [3, 4]], np.float32), "w"))
    path = scratch / "external.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (scratch / "weights.bin").exists()
    status, found = compare(command, path, "-d", "n=5")
    assert status == 0 and found["same"] == 2, found


def check_errors(command, scratch):
    """What ONNX Runtime cannot do is said in one line."""
    model = scratch / "sum.onnx"
    model.write_bytes(onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 19]> g (bfloat16[n] x) => (bfloat16[n] y) '
        "{ y = Add(x, x) }").SerializeToString())
    status, message = compare(command, model, "-d", "n=2")
    assert status == 2 and "NOT_IMPLEMENTED" in message and message.count("\n") == 1, message


def main():
    command, folder = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as scratch:
        check_cases(command, folder)
        check_types(command, Path(scratch))
        check_external_data(command, Path(scratch))
        check_errors(command, Path(scratch))
    print("values inside models are those of ONNX Runtime")


if __name__ == "__main__":
    main()
