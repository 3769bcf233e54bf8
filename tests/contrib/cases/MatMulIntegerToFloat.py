# SPDX-License-Identifier: Apache-2.0
"""MatMulIntegerToFloat: types, batches, one scale or one per column, with and without zero points and bias."""
import numpy as np
from case import Case
from quantised import arrays, bytes_of


def cases(rng):
    shapes = [("plain", (3, 5), (5, 4)), ("batch", (2, 1, 3, 5), (2, 5, 4)), ("shared", (2, 3, 5), (5, 4)),
              ("row", (5,), (5, 4)), ("empty", (0, 5), (5, 4))]
    for a_type, b_type in ((np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)):
        for name, a, b in shapes:
            for zeros in (False, True):
                for columns in (False, True):
                    size = (*b[:-2], *((1,) if len(b) > 2 else ()), b[-1]) if columns else ()
                    inputs = [bytes_of(rng, a_type, *a), bytes_of(rng, b_type, *b), np.float32(0.02),
                              (0.02 * rng.random(size) + 0.01).astype(np.float32)]
                    if zeros:
                        inputs += [bytes_of(rng, a_type), bytes_of(rng, b_type, *size)]
                    else:
                        inputs += [None, None]
                    if zeros != columns:
                        inputs.append(rng.integers(-8, 9, b[-1]).astype(np.float32))
                    while inputs[-1] is None:
                        inputs.pop()
                    inputs = arrays(inputs)
                    kind = f"{np.dtype(a_type)}_{np.dtype(b_type)}"
                    yield Case(f"{name}_{kind}{'_zeros' * zeros}{'_columns' * columns}", inputs, 1,
                               constant=(1, 3, 5) if columns else ())
