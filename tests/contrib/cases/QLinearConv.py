# SPDX-License-Identifier: Apache-2.0
"""QLinearConv: both layouts, groups, strides, padding, one scale or one per filter, with and without bias."""
import numpy as np
from case import Case


def numbers(rng, dtype, shape):
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max + 1, shape).astype(dtype)


def cases(rng):
    variants = [
        ("plain", 4, 6, {}),
        ("groups", 4, 6, {"group": 2}),
        ("depthwise", 4, 4, {"group": 4, "pads": [1, 1, 1, 1]}),
        ("strides", 3, 2, {"strides": [2, 1], "pads": [1, 0, 0, 2]}),
        ("dilations", 3, 2, {"dilations": [1, 2], "pads": [0, 1, 1, 0]}),
        ("same_lower", 3, 2, {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    ]
    for x_type, w_type in ((np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)):
        for last in (0, 1):
            for name, channels, filters, attributes in variants:
                per_filter = name != "plain"
                shape = (2, 5, 6, channels) if last else (2, channels, 5, 6)
                group = attributes.get("group", 1)
                w = numbers(rng, w_type, (filters, channels // group, 3, 3))
                scale = (0.02 * rng.random(filters) + 0.01).astype(np.float32)
                zero = numbers(rng, w_type, 1)[0]
                inputs = [numbers(rng, x_type, shape), np.float32(0.03), numbers(rng, x_type, 1)[0],
                          w, scale if per_filter else scale[0], np.full(filters, zero) if per_filter else zero,
                          np.float32(0.9), numbers(rng, x_type, 1)[0]]
                inputs = [np.asarray(x) for x in inputs]
                if per_filter:
                    inputs.append(rng.integers(-9000, 9000, filters).astype(np.int32))
                kind = f"{np.dtype(x_type)}_{np.dtype(w_type)}"
                yield Case(f"{name}_{kind}{'_last' * last}", inputs, 1, {**attributes, "channels_last": last},
                           constant=(3, 4, 5))
