# SPDX-License-Identifier: Apache-2.0
"""Inverse: sizes, batches, element types."""
import numpy as np
from case import Case, numbers


def cases(rng):
    for dtype, rtol in ((np.float32, 1e-4), (np.float64, 1e-9), (np.float16, 2e-2)):
        for shape in ((1, 1), (2, 3, 3), (0, 2, 2), (2, 1, 8, 8)):
            x = numbers(rng, *shape, dtype=dtype) + 6 * np.eye(shape[-1], dtype=dtype)
            x = x[..., ::-1].copy()  # the largest numbers are not on the diagonal
            yield Case(f"{np.dtype(dtype)}_{len(shape)}_{shape[-1]}", [x], rtol=rtol, atol=rtol / 10)
