# SPDX-License-Identifier: Apache-2.0
"""Scaler: lists of one and of all features, types."""
import numpy as np

from case import Case, numbers

DOMAIN = "ai.onnx.ml"


def cases(rng):
    x = numbers(rng, 5, 4) * 4
    for dtype in (np.float32, np.float64, np.int64, np.int32):
        name = np.dtype(dtype).name
        yield Case(f"features_{name}", [x.astype(dtype)], 1,
                   {"offset": numbers(rng, 4).tolist(), "scale": numbers(rng, 4).tolist()})
        yield Case(f"all_{name}", [x.astype(dtype)], 1, {"offset": [0.5], "scale": [-3.0]})
    yield Case("one_row", [x[0]], 1, {"offset": [1.0, 2.0, 3.0, 4.0], "scale": [2.0] * 4})
