# SPDX-License-Identifier: Apache-2.0
"""QuickGelu: alpha given and left out."""
import numpy as np
from case import Case


def cases(rng):
    for alpha in (None, 1.0, 1.702, 0.0, -2.0):
        for dtype, rtol in ((np.float32, 1e-4), (np.float16, 4e-3)):
            x = (4 * rng.standard_normal((3, 50))).astype(dtype)
            name = f"{x.dtype}_alpha_{alpha}".replace("-", "minus_").replace(".", "_").lower()
            yield Case(name, [x], 1, {} if alpha is None else {"alpha": alpha}, rtol=rtol,
                       atol=rtol / 10)
