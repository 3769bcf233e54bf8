# SPDX-License-Identifier: Apache-2.0
"""GroupNorm: layouts, groups, activation, element types of data and parameters.

ONNX Runtime has no kernel for the CPU: computed from the documentation."""
import numpy as np
from case import Case, numbers


def normalise(s, gamma, beta, groups, activation, channels_last, epsilon):
    """The documented formula in double precision."""
    s = s.astype(np.float64)
    s = np.moveaxis(s, -1, 1) if channels_last else s
    parts = s.reshape(s.shape[0], groups, -1)
    mean = parts.mean(axis=2, keepdims=True)
    parts = (parts - mean) / np.sqrt(parts.var(axis=2, keepdims=True) + epsilon)
    each = (1, -1, 1, 1)
    y = parts.reshape(s.shape) * gamma.reshape(each) + beta.reshape(each)
    y = y / (1 + np.exp(-y)) if activation else y
    return np.moveaxis(y, 1, -1) if channels_last else y


def cases(rng):
    for data, param in ((np.float32, np.float32), (np.float16, np.float32),
                        (np.float16, np.float16), (np.float32, np.float16)):
        for last, activation, groups in ((1, 0, 2), (1, 1, 3), (0, 0, 6), (0, 1, 1)):
            shape = (2, 3, 5, 6) if last else (2, 6, 3, 5)
            x = numbers(rng, *shape, dtype=data)
            gamma, beta = numbers(rng, 6, dtype=param), numbers(rng, 6, dtype=param)
            attributes = {"activation": activation, "groups": groups}
            attributes |= {} if last else {"channels_last": 0, "epsilon": 1e-2}
            y = normalise(x, gamma, beta, groups, activation, last, 1e-5 if last else 1e-2)
            name = f"{np.dtype(data)}_{np.dtype(param)}_{last}_{groups}"
            rtol = 1e-4 if data == np.float32 else 2e-3
            yield Case(name, [x, gamma, beta], 1, attributes, expected=[y.astype(data)],
                       rtol=rtol, atol=rtol / 10)
