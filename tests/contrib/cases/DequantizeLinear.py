# SPDX-License-Identifier: Apache-2.0
"""DequantizeLinear: integers of 4 to 32 bits, one scale or one along an axis, without zero point."""
import ml_dtypes
import numpy as np
from case import Case
from quantised import arrays, bytes_of


def cases(rng):
    for dtype in (np.uint8, np.int8, np.uint16, np.int16, np.int32, ml_dtypes.uint4, ml_dtypes.int4):
        narrow = dtype in (ml_dtypes.uint4, ml_dtypes.int4)
        kind = np.dtype(dtype).name

        def any_of(*shape):
            return rng.integers(0, 8, shape).astype(dtype) if narrow else bytes_of(rng, dtype, *shape)

        constant = (0, 1, 2) if narrow else ()
        yield Case(f"no_zero_point_{kind}", arrays([any_of(7), np.float32([0.3])]), 1, constant=constant[:2])
        if dtype is np.int32:
            continue  # has no zero point but 0
        yield Case(f"one_{kind}", arrays([any_of(2, 9), np.float32(0.3), any_of()]), 1, constant=constant)
        for axis, size in ((0, 3), (1, 4), (-1, 5), (None, 4)):
            scale = (rng.integers(1, 9, size) / 16).astype(np.float32)
            attributes = {} if axis is None else {"axis": axis}
            name = "default" if axis is None else axis % 3
            yield Case(f"axis_{name}_{kind}", [any_of(3, 4, 5), scale, any_of(size)], 1, attributes, constant)
