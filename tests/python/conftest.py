# SPDX-License-Identifier: Apache-2.0
"""What the tests share: models written as text."""
import onnx.parser
import pytest

import onnxrun


def model(text, opset=17, ir_version=8):
    """The bytes of a model, from the syntax of onnx.parser without its head."""
    head = f'<ir_version: {ir_version}, opset_import: ["": {opset}, "com.microsoft": 1]> g '
    return onnx.parser.parse_model(head + text).SerializeToString()


ADD = model("(float[n, 3] x, float[n, 3] y) => (float[n, 3] s) { s = Add(x, y) }")

# Doubles x as often as n says: a run of any length.
LOOP = model("""(int64 n, bool c, float[4] x) => (float[4] y) {
    y = Loop(n, c, x) <body = b (int64 i, bool go, float[4] a) => (bool more, float[4] sum) {
        more = Identity(go)
        sum = Add(a, a)
    }>
}""")


@pytest.fixture
def add():
    return onnxrun.InferenceSession(ADD)


def identity(kind):
    """A session of a model that returns its input, of a type such as "float[n]"."""
    return onnxrun.InferenceSession(model(f"({kind} x) => ({kind} y) {{ y = Identity(x) }}", 21, 10))
