# SPDX-License-Identifier: Apache-2.0
"""SkipLayerNormalization: forms of skip, beta and bias given and left out, all outputs.

ONNX Runtime's CPU kernel declares mean and inv_std_var but does not compute them."""
import numpy as np
from case import Case


def cases(rng):
    for number, (shape, skip) in enumerate((((2, 3, 8), (2, 3, 8)), ((2, 3, 8), (1, 3, 8)),
                                            ((2, 3, 8), (3, 8)), ((3, 8), (3, 8)))):
        for dtype, rtol in ((np.float32, 1e-4), (np.float16, 2e-2)):
            for beta, bias in ((False, False), (True, False), (False, True), (True, True)):
                d = shape[-1:]
                inputs = [rng.standard_normal(s).astype(dtype) for s in (shape, skip, d)]
                inputs.append(rng.standard_normal(d).astype(dtype) if beta else None)
                inputs.append(rng.standard_normal(d).astype(dtype) if bias else None)
                while inputs[-1] is None:
                    inputs.pop()
                outputs = 1 if beta == bias else [True, False, False, True]
                attributes = {"epsilon": (1e-5, 1e-2)[number % 2]}
                name = f"{np.dtype(dtype)}_{len(shape)}_{len(skip)}_{skip[0]}"
                yield Case(f"{name}{'_beta' * beta}{'_bias' * bias}", inputs, outputs, attributes,
                           rtol=rtol, atol=rtol / 10)
