# SPDX-License-Identifier: Apache-2.0
"""QLinearAdd: broadcasting, scales that do and do not end half way. ONNX Runtime does not run it without zero points."""
import numpy as np
from case import Case
from quantised import arrays, broadcasts, bytes_of


def cases(rng):
    for dtype in (np.uint8, np.int8):
        for name, a, b in broadcasts():
            for kind, scales in (("", (0.5, 0.25, 1.0)), ("_uneven", (0.0173, 0.0291, 0.0407))):
                a_scale, b_scale, c_scale = (np.float32(s) for s in scales)
                inputs = [bytes_of(rng, dtype, *a), a_scale, bytes_of(rng, dtype), bytes_of(rng, dtype, *b), b_scale,
                          bytes_of(rng, dtype), c_scale, bytes_of(rng, dtype)]
                yield Case(f"{name}_{np.dtype(dtype)}{kind}", arrays(inputs), 1)
