# SPDX-License-Identifier: Apache-2.0
"""QLinearWhere: broadcasting of all three, equal and different scales, constant and computed parameters."""
import numpy as np
from case import Case
from quantised import arrays, broadcasts, bytes_of


def cases(rng):
    for dtype in (np.uint8, np.int8):
        for name, x, y in broadcasts():
            for kind, scales in (("", (0.5, 0.5, 0.5)), ("_uneven", (0.0173, 0.0291, 0.0207))):
                zeros = [bytes_of(rng, dtype) for _ in range(3)]
                if not kind:
                    zeros = [zeros[0]] * 3
                condition = rng.integers(0, 2, np.broadcast_shapes(x, y)[-1:]).astype(bool)
                inputs = [condition, bytes_of(rng, dtype, *x), np.float32(scales[0]), zeros[0],
                          bytes_of(rng, dtype, *y), np.float32(scales[1]), zeros[1], np.float32(scales[2]), zeros[2]]
                yield Case(f"{name}_{np.dtype(dtype)}{kind}", arrays(inputs), 1, constant=(2, 3, 5, 6, 7, 8))
