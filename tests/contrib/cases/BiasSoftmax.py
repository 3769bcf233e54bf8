# SPDX-License-Identifier: Apache-2.0
"""BiasSoftmax: axes, bias repeated along the last and along the first dimensions, element types.

ONNX Runtime has no kernel for the CPU: computed from the documentation."""
import numpy as np
from case import Case, numbers


def cases(rng):
    data = (2, 3, 4, 5)
    forms = ((1, -1, (2, 1, 1, 5)), (1, 3, (2, 3, 1, 5)), (1, 2, (2, 1, 4, 5)), (1, 1, (2, 3, 4, 5)),
             (0, -1, (1, 1, 4, 5)), (0, 3, (4, 5)), (0, 2, (3, 4, 5)), (0, None, (1, 3, 4, 5)))
    for dtype, rtol in ((np.float32, 1e-5), (np.float16, 1e-3), (np.float64, 1e-6)):
        for number, (inner, axis, shape) in enumerate(forms):
            x, bias = numbers(rng, *data, dtype=dtype), numbers(rng, *shape, dtype=dtype)
            attributes = {"is_inner_broadcast": inner} | ({} if axis is None else {"axis": axis})
            first = 1 if axis is None else axis % 4
            v = (x.astype(np.float64) + bias).reshape(*data[:first], -1)
            e = np.exp(v - v.max(axis=-1, keepdims=True))
            y = (e / e.sum(axis=-1, keepdims=True)).reshape(data).astype(dtype)
            yield Case(f"{np.dtype(dtype)}_{number}", [x, bias], 1, attributes, expected=[y],
                       rtol=rtol, atol=rtol / 10)
