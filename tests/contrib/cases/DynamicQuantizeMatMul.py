# SPDX-License-Identifier: Apache-2.0
"""DynamicQuantizeMatMul: types of B, batches, one scale or one per column, ranges with and without 0, bias."""
import numpy as np
from case import Case, numbers


def cases(rng):
    shapes = [("plain", (3, 5), (5, 4)), ("batch", (2, 3, 5), (2, 5, 4)), ("shared", (2, 3, 5), (5, 4)),
              ("row", (5,), (5, 3)), ("empty", (0, 5), (5, 4))]
    for b_type in (np.uint8, np.int8):
        info = np.iinfo(b_type)
        for name, a, b in shapes:
            for columns in (False, True):
                size = (*b[:-2], *((1,) if len(b) > 2 else ()), b[-1]) if columns else ()
                scale = (0.02 * rng.random(size) + 0.01).astype(np.float32)
                zero = rng.integers(info.min, info.max + 1, size).astype(b_type)
                weights = rng.integers(info.min, info.max + 1, b).astype(b_type)
                values = {"": numbers(rng, *a), "_positive": numbers(rng, *a) + 5, "_negative": numbers(rng, *a) - 3,
                          "_zero": np.zeros(a)}
                for kind, x in values.items():
                    inputs = [x.astype(np.float32), weights, scale]
                    if kind != "_positive":
                        inputs += [zero] if kind == "_negative" else [zero, numbers(rng, b[-1])]
                    inputs = [np.asarray(x) for x in inputs]
                    yield Case(f"{name}_{np.dtype(b_type)}{'_columns' * columns}{kind}", inputs, 1,
                               constant=(1, 2, 3) if columns else ())
    bias = numbers(rng, 4)
    yield Case("bias_alone", [numbers(rng, 3, 5), np.ones((5, 4), np.int8), np.float32([0.1]), None, bias], 1)
