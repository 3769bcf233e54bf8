# SPDX-License-Identifier: Apache-2.0
"""CDist: metrics, element types."""
import numpy as np
from case import Case, numbers


def cases(rng):
    for dtype, rtol in ((np.float32, 1e-4), (np.float64, 1e-9)):
        for metric in (None, "sqeuclidean", "euclidean"):
            for m, k, n in ((3, 4, 5), (1, 2, 70)):
                a, b = numbers(rng, m, n, dtype=dtype), numbers(rng, k, n, dtype=dtype)
                yield Case(f"{np.dtype(dtype)}_{metric}_{n}".lower(), [a, b], 1,
                           {"metric": metric} if metric else {}, rtol=rtol)
