# SPDX-License-Identifier: Apache-2.0
"""NhwcFusedConv: channels in the last place, by the formula of Conv."""
import numpy as np
from case import Case


def convolve(x, w, stride, pad, group):
    """Conv of [N, H, W, C] with [M, C/group, kh, kw] in float64."""
    x = np.pad(x.astype(np.float64), ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], (1, 2))[:, ::stride, ::stride]
    n, height, width, channels = windows.shape[:4]
    windows = windows.reshape(n, height, width, group, channels // group, *w.shape[2:])
    weights = w.astype(np.float64).reshape((group, -1) + w.shape[1:])
    return np.einsum("nhwgcij,gmcij->nhwgm", windows, weights).reshape(n, height, width, -1)


def cases(rng):
    for number, (activation, function) in enumerate((("", lambda v: v), ("Relu", lambda v: np.maximum(v, 0)),
                                                     ("Tanh", np.tanh))):
        for group, kernel, stride, pad in ((1, 3, 1, 1), (2, 2, 2, 0), (4, 3, 2, 1), (1, 1, 1, 0)):
            x = rng.standard_normal((2, 5, 6, 4)).astype(np.float32)
            w = rng.standard_normal((4, 4 // group, kernel, kernel)).astype(np.float32)
            b = rng.standard_normal(4).astype(np.float32) if number != 1 else None
            y = convolve(x, w, stride, pad, group) + (0 if b is None else b)
            z = rng.standard_normal(y.shape).astype(np.float32) if number > 0 else None
            y = function(y if z is None else y + z).astype(np.float32)
            inputs = [x, w, b, z][:2 + (number < 1) + 2 * (number > 0)]
            attributes = {"group": group, "strides": [stride] * 2, "pads": [pad] * 4,
                          "kernel_shape": [kernel] * 2}
            if activation:
                attributes["activation"] = activation
            yield Case(f"{activation.lower() or 'none'}_group{group}_k{kernel}", inputs, 1, attributes,
                       expected=[y])
