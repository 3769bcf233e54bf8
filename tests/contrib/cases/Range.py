# SPDX-License-Identifier: Apache-2.0
"""Range: delta given and left out, rising, falling and empty, element types, lists of one."""
import numpy as np
from case import Case


def cases(rng):
    for dtype in (np.float32, np.float64, np.int16, np.int32, np.int64):
        for number, (start, limit, delta) in enumerate(((0, 5, None), (-3, 8, 4), (7, 1, -2),
                                                        (4, 4, 1), (5, 2, 1))):
            values = [np.array(v, dtype) for v in (start, limit, delta) if v is not None]
            if number == 1:
                values = [v.reshape(1) for v in values]
            for constant in ((), (0, 1, 2)[:len(values)]):
                name = f"{np.dtype(dtype)}_{number}{'_constant' if constant else ''}"
                yield Case(name, values, constant=constant)
    yield Case("fraction", [np.array(v, np.float32) for v in (0.5, 2, 0.3)])
