# SPDX-License-Identifier: Apache-2.0
"""Gelu: shapes."""
import numpy as np
from case import Case


def cases(rng):
    for shape in ((), (7,), (2, 5), (0, 3), (2, 1, 300)):
        x = (4 * rng.standard_normal(shape)).astype(np.float32)
        yield Case(f"rank{len(shape)}_{x.size}", [np.asarray(x)])
