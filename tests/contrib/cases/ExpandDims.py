# SPDX-License-Identifier: Apache-2.0
"""ExpandDims: axes, constant and at run time, element types."""
import numpy as np
from case import Case, numbers


def cases(rng):
    for dtype in (np.float32, np.int64, np.bool_):
        for axis in (0, 1, 2, -1, -2):
            x = numbers(rng, 2, 3, dtype=dtype)
            yield Case(f"{np.dtype(dtype)}_{axis}".replace("-", "m"), [x, np.array(axis, np.int32)],
                       constant=(1,) if axis % 2 else ())
