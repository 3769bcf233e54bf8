# SPDX-License-Identifier: Apache-2.0
"""FastGelu: with and without bias, over shapes."""
import numpy as np
from case import Case


def cases(rng):
    for dtype, rtol in ((np.float32, 1e-4), (np.float16, 4e-3)):
        for shape in ((7,), (2, 5), (2, 3, 8)):
            for bias in (False, True):
                x = (4 * rng.standard_normal(shape)).astype(dtype)
                b = rng.standard_normal(shape[-1:]).astype(dtype) if bias else None
                name = f"{x.dtype}_rank{len(shape)}{'_bias' * bias}"
                yield Case(name, [x, b] if bias else [x], rtol=rtol, atol=rtol / 10)
