# SPDX-License-Identifier: Apache-2.0
"""DeformConv: groups, offset groups, mask, bias, steps, places beyond the edge.

Left out: other than 2 spatial dimensions and half precision, for which ONNX Runtime has no kernel.
"""
import numpy as np

from case import Case, numbers

DOMAIN = ""


def cases(rng):
    for name, groups, offset_groups, has_bias, has_mask, dtype, steps in (
            ("plain", 1, 1, False, False, np.float32, {}),
            ("bias", 1, 2, True, False, np.float32, {"strides": [2, 1]}),
            ("mask", 2, 1, False, True, np.float32, {"dilations": [1, 2]}),
            ("all", 2, 4, True, True, np.float32, {"pads": [1, 2, 0, 1], "strides": [1, 2]}),
            ("float64", 1, 1, True, True, np.float64, {"pads": [1, 1, 1, 1]})):
        rows, columns = (3, 2)
        pads, strides = steps.get("pads", [0] * 4), steps.get("strides", [1, 1])
        dilations = steps.get("dilations", [1, 1])
        height = (6 + pads[0] + pads[2] - (rows - 1) * dilations[0] - 1) // strides[0] + 1
        width = (7 + pads[1] + pads[3] - (columns - 1) * dilations[1] - 1) // strides[1] + 1
        taps = offset_groups * rows * columns
        yield Case(name, [numbers(rng, 2, 4, 6, 7, dtype=dtype),
                          numbers(rng, 4, 4 // groups, rows, columns, dtype=dtype),
                          numbers(rng, 2, 2 * taps, height, width, dtype=dtype) * 2,
                          numbers(rng, 4, dtype=dtype) if has_bias else None,
                          numbers(rng, 2, taps, height, width, dtype=dtype) if has_mask else None],
                   1, {"group": groups, "offset_group": offset_groups,
                       "kernel_shape": [rows, columns], **steps}, version=22)
