# SPDX-License-Identifier: Apache-2.0
"""GemmFastGelu: ranks of X, bias given and left out, constant weights, element types.

ONNX Runtime has no kernel for the CPU: computed from the documentation."""
import numpy as np
from case import Case, numbers


def cases(rng):
    for dtype, rtol in ((np.float32, 1e-4), (np.float16, 4e-3)):
        for shape in ((3, 6), (2, 3, 6), (2, 1, 3, 4)):
            for bias in (False, True):
                x = numbers(rng, *shape, dtype=dtype)
                inputs = [x, numbers(rng, shape[-1], 5, dtype=dtype)]
                inputs += [numbers(rng, 5, dtype=dtype)] * bias
                v = x.astype(np.float64) @ inputs[1] + (inputs[2] if bias else 0)
                y = v / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (v + 0.044715 * v ** 3)))
                name = f"{np.dtype(dtype)}_{len(shape)}{'_bias' * bias}"
                yield Case(name, inputs, constant=(1,) if bias else (), expected=[y.astype(dtype)],
                           rtol=rtol, atol=rtol)
