# SPDX-License-Identifier: Apache-2.0
"""FusedConv: activations with their parameters, bias, residual, and attributes of Conv."""
import numpy as np
from case import Case

ACTIVATIONS = (("", []), ("Relu", []), ("Tanh", []), ("Sigmoid", []), ("LeakyRelu", [0.2]),
               ("Clip", [-0.5, 1.5]), ("HardSigmoid", [0.3, 0.4]))


def cases(rng):
    for number, (activation, parameters) in enumerate(ACTIVATIONS):
        for group, shape, kernel, attributes, out in (
                (1, (2, 4, 6, 5), (3, 3), {"pads": [1, 1, 1, 1]}, (6, 5)),
                (2, (1, 4, 7), (3,), {"strides": [2]}, (3,)),
                (4, (1, 4, 5, 5), (2, 2), {"dilations": [2, 2]}, (3, 3)),
                (1, (1, 4, 3, 3), (1, 1), {"auto_pad": "SAME_UPPER"}, (3, 3))):
            x = rng.standard_normal(shape).astype(np.float32)
            w = rng.standard_normal((4, 4 // group) + kernel).astype(np.float32)
            b = rng.standard_normal(4).astype(np.float32) if number % 2 else None
            z = rng.standard_normal((shape[0], 4) + out).astype(np.float32) if number % 3 else None
            inputs = [x, w, b, z]
            while inputs[-1] is None:
                inputs.pop()
            given = {"group": group, "kernel_shape": list(kernel), **attributes}
            if activation:
                given["activation"] = activation
            if parameters:
                given["activation_params"] = parameters
            name = f"{activation.lower() or 'none'}_group{group}_k{kernel[0]}_rank{len(shape)}"
            yield Case(name, inputs, 1, given, constant=(1,) if number % 2 else ())
