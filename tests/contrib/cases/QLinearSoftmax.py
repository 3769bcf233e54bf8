# SPDX-License-Identifier: Apache-2.0
"""QLinearSoftmax: both meanings of axis, every axis, long and short rows.

Y has the scale 1 / 256 that softmax results get, or one of which 1 / scale is an integer: ONNX Runtime rounds
1 / scale down. Where results saturate its answers depend on the axis; these do not.
"""
import numpy as np
from case import Case
from quantised import arrays, bytes_of


def cases(rng):
    for dtype in (np.uint8, np.int8):
        lowest = np.iinfo(dtype).min
        for opset in (11, 13):
            for shape, axis in [((4, 7), -1), ((2, 3, 5), 1), ((2, 3, 5), -3), ((2, 3, 5), None), ((3, 300), 1), ((9,), 0)]:
                for scale, y_scale, zero in [(0.11, 1 / 256, lowest), (0.023, 1 / 100, lowest + 3)]:
                    inputs = [bytes_of(rng, dtype, *shape), np.float32(scale), bytes_of(rng, dtype), np.float32(y_scale),
                              dtype(zero)]
                    attributes = {"opset": opset} if axis is None else {"opset": opset, "axis": axis}
                    name = "x".join(map(str, shape)) + f"_{'default' if axis is None else axis % len(shape)}"
                    yield Case(f"{name}_{opset}_{np.dtype(dtype)}_{int(1 / y_scale)}", arrays(inputs), 1, attributes)
