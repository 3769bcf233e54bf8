# SPDX-License-Identifier: Apache-2.0
"""GatedRMSNorm: activations, heads in the last dimension, element types."""
import numpy as np
from case import Case, numbers


def cases(rng):
    for dtype, rtol in ((np.float32, 1e-5), (np.float16, 2e-3)):
        for number, activation in enumerate((None, "silu", "swish", "sigmoid")):
            for shape, width in (((2, 3, 8), 8), ((2, 3, 12), 4), ((6,), 2), ((0, 4), 4)):
                inputs = [numbers(rng, *s, dtype=dtype) for s in (shape, (width,), shape)]
                attributes = {"epsilon": 1e-2} if number % 2 else {}
                attributes |= {"activation": activation} if activation else {}
                name = f"{np.dtype(dtype)}_{activation or 'default'}_{len(shape)}_{width}"
                yield Case(name.lower(), inputs, 1, attributes, rtol=rtol, atol=rtol / 10)
