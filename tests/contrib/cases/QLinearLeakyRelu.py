# SPDX-License-Identifier: Apache-2.0
"""QLinearLeakyRelu: every byte under several scales and slopes. ONNX Runtime does not run it without zero points."""
import numpy as np
from case import Case
from quantised import arrays, spread


def cases(rng):
    for dtype in (np.uint8, np.int8):
        x = spread(dtype)
        for name, zero, attributes in [("plain", 100, {}), ("steep", 100, {"alpha": 1.7}), ("mirror", 60, {"alpha": -0.3}),
                                       ("low", 3, {"alpha": 0.2})]:
            inputs = [x, np.float32(0.031), dtype(zero), np.float32(0.043), dtype(zero // 2)]
            yield Case(f"{name}_{np.dtype(dtype)}", arrays(inputs), 1, attributes)
        inputs = [x.reshape(4, 1, 64), np.float32([0.03]), dtype(0), np.float32([0.0217]), dtype(0)]
        yield Case(f"constant_{np.dtype(dtype)}", arrays(inputs), 1, constant=(1, 2, 3, 4))
