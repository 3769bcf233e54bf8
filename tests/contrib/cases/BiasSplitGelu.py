# SPDX-License-Identifier: Apache-2.0
"""BiasSplitGelu: shapes and element types.

ONNX Runtime has no kernel for the CPU: computed from the documentation."""
import math

import numpy as np
from case import Case, numbers


def cases(rng):
    for dtype, rtol in ((np.float32, 1e-5), (np.float16, 1e-3)):
        for shape in ((2, 3, 6), (1, 1, 64), (2, 0, 4)):
            x, bias = numbers(rng, *shape, dtype=dtype), numbers(rng, shape[2], dtype=dtype)
            left, right = np.split(x.astype(np.float64) + bias, 2, axis=2)
            erf = np.vectorize(math.erf, otypes=[np.float64])(right / math.sqrt(2))
            y = (left * right / 2 * (1 + erf)).astype(dtype)
            yield Case(f"{np.dtype(dtype)}_{shape[1]}", [x, bias], expected=[y], rtol=rtol)
