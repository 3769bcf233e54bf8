# SPDX-License-Identifier: Apache-2.0
"""OneHotEncoder: integers, floats that are cut off, strings, what is no category."""
import numpy as np

from case import Case

DOMAIN = "ai.onnx.ml"


def cases(rng):
    x = rng.integers(-2, 4, (3, 4))
    for dtype in (np.int64, np.float32, np.float64):
        yield Case(np.dtype(dtype).name, [(x * 1.25).astype(dtype)], 1, {"cats_int64s": [2, 0, -1]})
    yield Case("strings", [np.array(["b", "a", "", "q"], dtype=object)], 1,
               {"cats_strings": ["a", "b", ""]})
    yield Case("strict", [x % 2], 1, {"cats_int64s": [0, 1], "zeros": 0})
