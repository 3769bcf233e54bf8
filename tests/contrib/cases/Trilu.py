# SPDX-License-Identifier: Apache-2.0
"""Trilu: both sides, diagonals, batches, element types."""
import numpy as np
from case import Case


def cases(rng):
    for dtype in (np.float32, np.float64, np.int64):
        for upper in (None, 0, 1):
            for k in (None, -1, 2, 9):
                x = rng.integers(0, 9, (2, 3, 4)).astype(dtype)
                inputs = [x] if k is None else [x, np.array(k, np.int64)]
                name = f"{np.dtype(dtype)}_{upper}_{k}".lower().replace("-", "m")
                yield Case(name, inputs, 1, {} if upper is None else {"upper": upper})
