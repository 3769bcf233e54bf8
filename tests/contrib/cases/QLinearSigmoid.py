# SPDX-License-Identifier: Apache-2.0
"""QLinearSigmoid: every byte under several scales. ONNX Runtime does not run it without zero points."""
import numpy as np
from case import Case
from quantised import arrays, spread


def cases(rng):
    for dtype in (np.uint8, np.int8):
        x = spread(dtype)
        for name, scale, zero, y_scale, y_zero in [("plain", 0.031, 5, 0.0041, 3), ("wide", 0.4, 120, 0.0013, 7)]:
            inputs = [x, np.float32(scale), dtype(zero), np.float32(y_scale), dtype(y_zero)]
            yield Case(f"{name}_{np.dtype(dtype)}", arrays(inputs), 1)
        inputs = [x, np.float32([0.03]), dtype(0), np.float32([0.0042]), dtype(0)]
        yield Case(f"constant_{np.dtype(dtype)}", arrays(inputs), 1, constant=(1, 2, 3, 4))
        yield Case(f"empty_{np.dtype(dtype)}", arrays([x[:0], np.float32(0.03), dtype(1), np.float32(0.1), dtype(1)]), 1)
