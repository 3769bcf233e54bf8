# SPDX-License-Identifier: Apache-2.0
"""BiasAdd: shapes and element types.

ONNX Runtime has no kernel for the CPU: computed from the documentation."""
import numpy as np
from case import Case, numbers


def cases(rng):
    for dtype, rtol in ((np.float32, 1e-5), (np.float16, 1e-3)):
        for shape in ((2, 3, 5), (1, 1, 64), (0, 3, 4)):
            x, bias, skip = (numbers(rng, *s, dtype=dtype) for s in (shape, shape[2:], shape))
            y = (x.astype(np.float64) + bias + skip).astype(dtype)
            yield Case(f"{np.dtype(dtype)}_{shape[0]}", [x, bias, skip], expected=[y], rtol=rtol)
