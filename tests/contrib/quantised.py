# SPDX-License-Identifier: Apache-2.0
"""What the cases of quantised operators share."""
import numpy as np


def bytes_of(rng, dtype, *shape):
    """Any numbers of an integer type."""
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max + 1, shape).astype(dtype)


def spread(dtype):
    """Every number of an 8-bit type."""
    return np.arange(256).astype(np.uint8).view(dtype)


def arrays(inputs):
    """Inputs with scalars as arrays of rank 0."""
    return [x if x is None else np.asarray(x) for x in inputs]


def broadcasts():
    """Names and shapes of two operands."""
    return [("same", (3, 5), (3, 5)), ("row", (3, 5), (5,)), ("column", (3, 1), (2, 1, 5)), ("scalar", (), (4, 3)),
            ("scalar_last", (4, 3), (1,)), ("long", (300,), (300,)), ("cross", (2, 1, 3, 1), (4, 1, 2)),
            ("empty", (0, 3), (1, 3)), ("scalars", (), ())]
