# SPDX-License-Identifier: Apache-2.0
"""Pad: modes, negative pads, values, pads as list and as a single row, at run time and constant."""
import numpy as np
from case import Case, numbers


def cases(rng):
    for is_constant in (False, True):
        for mode in (None, "constant", "reflect", "edge"):
            for number, pads in enumerate(([0, 2, 0, 0], [1, 0, 2, 3], [0, -1, 1, 2])):
                pads = np.array(pads, np.int64)
                pads = pads if number else pads.reshape(1, 4)
                inputs = [numbers(rng, 3, 4), pads]
                if mode in (None, "constant") and number:
                    inputs.append(np.full((1,) * (number - 1), 2.5, np.float32))
                name = f"{mode or 'default'}_{number}{'_constant' * is_constant}"
                yield Case(name, inputs, 1, {"mode": mode} if mode else {},
                           constant=(1,) if is_constant else ())
