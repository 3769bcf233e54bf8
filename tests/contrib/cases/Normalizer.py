# SPDX-License-Identifier: Apache-2.0
"""Normalizer: norms, rows of zeros, types."""
import numpy as np

from case import Case, numbers

DOMAIN = "ai.onnx.ml"


def cases(rng):
    x = numbers(rng, 5, 4) * 4
    x[2] = 0
    x[3] = -abs(x[3]) - 1
    for norm in ("MAX", "L1", "L2"):
        for dtype in (np.float32, np.float64, np.int64, np.int32):
            yield Case(f"{norm.lower()}_{np.dtype(dtype).name}", [x.astype(dtype)], 1,
                       {"norm": norm})
        yield Case(f"{norm.lower()}_row", [x[0]], 1, {"norm": norm})
