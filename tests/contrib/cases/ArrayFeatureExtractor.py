# SPDX-License-Identifier: Apache-2.0
"""ArrayFeatureExtractor: ranks, types, strings."""
import numpy as np

from case import Case, numbers

DOMAIN = "ai.onnx.ml"


def cases(rng):
    x = numbers(rng, 2, 3, 4)
    for dtype in (np.float32, np.float64, np.int64, np.int32):
        yield Case(np.dtype(dtype).name, [x.astype(dtype), np.array([[3, 0]])], 1)
    yield Case("one_row", [x[0, 0], np.array([2, 2, 1])], 1)
    yield Case("strings", [np.array([["a", ""], ["c", "d"]], dtype=object), np.array([1])], 1)
