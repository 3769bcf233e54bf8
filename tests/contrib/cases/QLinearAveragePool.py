# SPDX-License-Identifier: Apache-2.0
"""QLinearAveragePool: both layouts, 1 to 3 dimensions, padding, strides, ceil_mode, count_include_pad."""
import numpy as np
from case import Case
from quantised import arrays, bytes_of


def cases(rng):
    variants = [
        ("plain", (5, 6), {"kernel_shape": [2, 3]}),
        ("padded", (5, 6), {"kernel_shape": [3, 3], "pads": [1, 0, 2, 1], "strides": [2, 1]}),
        ("counted", (5, 6), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
        ("same_upper", (5, 6), {"kernel_shape": [2, 4], "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ("same_lower", (5, 6), {"kernel_shape": [2, 4], "auto_pad": "SAME_LOWER", "strides": [2, 2]}),
        ("valid", (5, 6), {"kernel_shape": [2, 4], "auto_pad": "VALID", "strides": [2, 2]}),
        ("ceil", (6, 6), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
        ("whole", (4, 4), {"kernel_shape": [4, 4]}),
        ("line", (11,), {"kernel_shape": [4], "pads": [1, 2]}),
        ("cube", (3, 4, 5), {"kernel_shape": [2, 2, 3], "pads": [0, 1, 1, 1, 0, 0]}),
    ]
    for dtype in (np.uint8, np.int8):
        for last in (0, 1):
            for name, spatial, attributes in variants:
                shape = (2, *spatial, 3) if last else (2, 3, *spatial)
                inputs = [bytes_of(rng, dtype, *shape), np.float32(0.0431), bytes_of(rng, dtype), np.float32(0.0317),
                          bytes_of(rng, dtype)]
                yield Case(f"{name}_{np.dtype(dtype)}{'_last' * last}", arrays(inputs), 1,
                           {**attributes, "channels_last": last})
