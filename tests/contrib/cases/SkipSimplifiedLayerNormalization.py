# SPDX-License-Identifier: Apache-2.0
"""SkipSimplifiedLayerNormalization: forms of skip, bias given and left out, the sum."""
import numpy as np
from case import Case


def cases(rng):
    for number, (shape, skip) in enumerate((((2, 3, 8), (2, 3, 8)), ((2, 3, 8), (1, 3, 8)),
                                            ((2, 3, 8), (3, 8)), ((3, 8), (3, 8)))):
        for dtype, rtol in ((np.float32, 1e-4), (np.float16, 2e-2)):
            for bias in (False, True):
                d = shape[-1:]
                inputs = [rng.standard_normal(s).astype(dtype) for s in (shape, skip, d)]
                if bias:
                    inputs.append(rng.standard_normal(d).astype(dtype))
                outputs = [True, False, False, True] if number % 2 == bias else 1
                attributes = {"epsilon": (1e-5, 1e-2)[number % 2]}
                name = f"{np.dtype(dtype)}_{len(shape)}_{len(skip)}_{skip[0]}{'_bias' * bias}"
                yield Case(name, inputs, outputs, attributes, rtol=rtol, atol=rtol / 10)
