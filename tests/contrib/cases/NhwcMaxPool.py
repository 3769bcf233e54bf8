# SPDX-License-Identifier: Apache-2.0
"""NhwcMaxPool: ranks, pads, strides, dilations, ceil_mode, auto_pad, both types."""
import numpy as np
from case import Case


def cases(rng):
    forms = (((2, 5, 6, 3), {"kernel_shape": [3, 2]}),
             ((1, 7, 4), {"kernel_shape": [3], "pads": [1, 1], "strides": [2]}),
             ((1, 7, 7, 17), {"kernel_shape": [3, 3], "dilations": [2, 2], "pads": [1, 2, 0, 1]}),
             ((1, 6, 7, 2), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
             ((1, 6, 7, 2), {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
             ((1, 6, 7, 2), {"kernel_shape": [2, 2], "strides": [1, 3], "auto_pad": "SAME_LOWER"}),
             ((1, 3, 4, 5, 2), {"kernel_shape": [2, 2, 3], "pads": [1, 0, 1, 0, 1, 1]}))
    for dtype in (np.int8, np.uint8):
        for number, (shape, attributes) in enumerate(forms):
            info = np.iinfo(dtype)
            x = rng.integers(info.min, info.max + 1, shape).astype(dtype)
            yield Case(f"{np.dtype(dtype)}_{number}", [x], 1, attributes)
