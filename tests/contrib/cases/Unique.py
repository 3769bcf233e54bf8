# SPDX-License-Identifier: Apache-2.0
"""Unique: lists with and without repetitions."""
import numpy as np
from case import Case


def cases(rng):
    yield Case("example", [np.array([2, 1, 1, 3, 4, 3], np.float32)], 3)
    yield Case("single", [np.array([5], np.float32)], 3)
    yield Case("empty", [np.zeros(0, np.float32)], 3)
    for kinds in (1, 3, 40):
        x = rng.integers(-kinds, kinds, 60).astype(np.float32) / 4
        yield Case(f"kinds_{kinds}", [x], 3)
