# SPDX-License-Identifier: Apache-2.0
"""QuantizeLinear: integers of 8 and 16 bits, one scale or one along an axis, halves, saturation."""
import numpy as np
from case import Case, numbers
from quantised import arrays, bytes_of


def cases(rng):
    for dtype in (np.uint8, np.int8, np.uint16, np.int16):
        kind = np.dtype(dtype)
        x = numbers(rng, 3, 4, 5) * 100
        x[0, 0] = [np.inf, -np.inf, 1e9, -1e9, 0]
        yield Case(f"one_{kind}", arrays([x, np.float32(0.25), bytes_of(rng, dtype)]), 1)
        for axis, size in ((0, 3), (1, 4), (-1, 5), (None, 4)):
            scale = (rng.integers(1, 9, size) / 16).astype(np.float32)
            attributes = {} if axis is None else {"axis": axis}
            name = "default" if axis is None else axis % 3
            yield Case(f"axis_{name}_{kind}", [x, scale, bytes_of(rng, dtype, size)], 1, attributes)
        yield Case(f"empty_{kind}", arrays([x[:0], np.float32(0.5), dtype(0)]), 1)
    yield Case("no_zero_point", arrays([numbers(rng, 20) * 90, np.float32([0.5])]), 1)
