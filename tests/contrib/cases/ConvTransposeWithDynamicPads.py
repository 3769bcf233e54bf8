# SPDX-License-Identifier: Apache-2.0
"""ConvTransposeWithDynamicPads: bias given and left out, groups, strides, constant inputs.

ONNX Runtime refuses to run without pads, which its documentation calls optional."""
import numpy as np
from case import Case, numbers


def cases(rng):
    forms = (((1, 4, 5), (4, 3, 3), [1, 2], {"strides": [2]}),
             ((2, 2, 3, 4), (2, 2, 3, 2), [1, 0, 0, 1], {}),
             ((1, 4, 4, 3), (4, 2, 3, 3), [1, 1, 2, 0],
              {"group": 2, "strides": [2, 3], "dilations": [1, 2], "output_padding": [1, 0]}))
    for number, (x_shape, w_shape, pads, attributes) in enumerate(forms):
        x, w = numbers(rng, *x_shape), numbers(rng, *w_shape)
        bias = numbers(rng, w_shape[1] * attributes.get("group", 1))
        pads = np.array(pads, np.int64)
        yield Case(f"{number}_pads", [x, w, pads], 1, attributes)
        yield Case(f"{number}_both", [x, w, pads, bias], 1, attributes)
        yield Case(f"{number}_constant", [x, w, pads, bias], 1, attributes, constant=(1, 2, 3))
