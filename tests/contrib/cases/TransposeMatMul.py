# SPDX-License-Identifier: Apache-2.0
"""TransposeMatMul: the old name of FusedMatMul."""
import numpy as np
from case import Case


def cases(rng):
    for ta in (0, 1):
        for tb in (0, 1):
            a = rng.standard_normal((2, 5, 3) if ta else (2, 3, 5)).astype(np.float32)
            b = rng.standard_normal((4, 5) if tb else (5, 4)).astype(np.float32)
            yield Case(f"ta{ta}_tb{tb}", [a, b], 1, {"transA": ta, "transB": tb, "alpha": 0.5})
