# SPDX-License-Identifier: Apache-2.0
"""MatMulInteger16: batches and vectors. ONNX Runtime has it for int16 alone."""
import numpy as np
from case import Case


def cases(rng):
    shapes = [("plain", (3, 5), (5, 4)), ("batch", (2, 1, 3, 5), (2, 5, 4)), ("shared", (2, 3, 5), (5, 4)),
              ("row", (5,), (5, 4)), ("column", (3, 5), (5,)), ("empty", (0, 5), (5, 4))]
    for name, a, b in shapes:
        inputs = [rng.integers(-9999, 9999, shape).astype(np.int16) for shape in (a, b)]
        yield Case(name, inputs, 1, types={0: np.int32})
