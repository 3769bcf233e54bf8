# SPDX-License-Identifier: Apache-2.0
"""SimplifiedLayerNormalization, which exporters write in the standard domain: axis, epsilon, types."""
import numpy as np
from case import Case

DOMAIN = ""


def cases(rng):
    for axis in (None, -1, 1, -2, 0):
        for epsilon in (None, 1e-2):
            shape = (2, 3, 8)
            x = rng.standard_normal(shape).astype(np.float32)
            scale = rng.standard_normal(shape[-1 if axis is None else axis:]).astype(np.float32)
            attributes = {} if axis is None else {"axis": axis}
            attributes["stash_type"] = 1
            if epsilon is not None:
                attributes["epsilon"] = epsilon
            name = f"axis_{axis}_epsilon_{epsilon}".replace("-", "minus_").replace(".", "_").lower()
            yield Case(name, [x, scale], 2 if axis == -1 else 1, attributes)
    x = rng.standard_normal((4, 6)).astype(np.float16)
    scale = rng.standard_normal(6).astype(np.float16)
    yield Case("float16", [x, scale], 1, {"axis": -1, "stash_type": 1}, rtol=4e-3, atol=4e-3)
