# SPDX-License-Identifier: Apache-2.0
"""GridSample: modes, padding, alignment."""
import numpy as np
from case import Case, numbers


def cases(rng):
    for mode in (None, "nearest", "bicubic"):
        for padding in (None, "border", "reflection"):
            for aligned in (0, 1):
                x = numbers(rng, 1, 2, 4, 5)
                grid = (rng.integers(-149, 150, (1, 3, 4, 2)) / 100).astype(np.float32)
                attributes = {"mode": mode} if mode else {}
                attributes |= {"padding_mode": padding} if padding else {}
                attributes |= {"align_corners": 1} if aligned else {}
                yield Case(f"{mode or 'default'}_{padding or 'default'}_{aligned}", [x, grid], 1,
                           attributes)
