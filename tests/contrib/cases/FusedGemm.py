# SPDX-License-Identifier: Apache-2.0
"""FusedGemm: activations with their parameters, forms of C, transposed operands."""
import numpy as np
from case import Case

ACTIVATIONS = (("Relu", {}), ("Sigmoid", {}), ("Tanh", {}), ("Softplus", {}), ("Softsign", {}),
               ("LeakyRelu", {"activation_alpha": 0.2}), ("Elu", {"activation_alpha": 0.5}),
               ("Celu", {"activation_alpha": 0.5}), ("ThresholdedRelu", {"activation_alpha": 0.5}),
               ("Selu", {"activation_alpha": 1.5, "activation_gamma": 1.1}),
               ("HardSigmoid", {"activation_alpha": 0.3, "activation_beta": 0.4}))


def cases(rng):
    m, k, n = 3, 5, 4
    for number, (activation, parameters) in enumerate(ACTIVATIONS):
        ta, tb = number % 2, number // 2 % 2
        a = rng.standard_normal((k, m) if ta else (m, k)).astype(np.float32)
        b = rng.standard_normal((n, k) if tb else (k, n)).astype(np.float32)
        c = (None, (n,), (m, 1), (m, n), (1,))[number % 5]
        inputs = [a, b] if c is None else [a, b, rng.standard_normal(c).astype(np.float32)]
        attributes = {"activation": activation, "transA": ta, "transB": tb, "alpha": 0.5 + number % 2,
                      "beta": 1.5 - number % 2, **parameters}
        yield Case(activation.lower(), inputs, 1, attributes, constant=(1,) if number % 3 == 0 else ())
