# SPDX-License-Identifier: Apache-2.0
"""QLinearConcat: every axis, parts of different scales, empty parts, three parts."""
import numpy as np
from case import Case
from quantised import arrays, bytes_of


def cases(rng):
    shapes = [("first", 0, [(2, 3, 4), (1, 3, 4)]), ("middle", 1, [(2, 3, 4), (2, 2, 4), (2, 1, 4)]),
              ("last", -1, [(2, 3, 4), (2, 3, 5)]), ("empty_part", 1, [(2, 3), (2, 0), (2, 2)]),
              ("line", 0, [(300,), (7,)])]
    for dtype in (np.uint8, np.int8):
        for name, axis, parts in shapes:
            inputs = [np.float32(0.043), bytes_of(rng, dtype)]
            for i, part in enumerate(parts):
                inputs += [bytes_of(rng, dtype, *part), np.float32(0.043 + 0.017 * i), bytes_of(rng, dtype)]
            yield Case(f"{name}_{np.dtype(dtype)}", arrays(inputs), 1, {"axis": axis})
