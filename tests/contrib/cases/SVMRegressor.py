# SPDX-License-Identifier: Apache-2.0
"""SVMRegressor: kernels, one class, linear."""
from case import Case, numbers

DOMAIN = "ai.onnx.ml"


def cases(rng):
    x = numbers(rng, 7, 3)
    for kernel in ("LINEAR", "POLY", "RBF", "SIGMOID"):
        attributes = {"support_vectors": numbers(rng, 15).tolist(), "n_supports": 5,
                      "coefficients": numbers(rng, 5).tolist(), "rho": [0.25],
                      "kernel_type": kernel, "kernel_params": [0.5, -0.25, 3.0]}
        yield Case(kernel.lower(), [x], 1, attributes)
        yield Case(f"{kernel.lower()}_one_class", [x], 1, {**attributes, "one_class": 1})
    linear = {"coefficients": [0.5, -1.0, 2.0], "rho": [-0.5], "n_supports": 0,
              "kernel_params": [0.0, 0.0, 0.0]}
    yield Case("linear_machine", [x], 1, linear)
    yield Case("one_row", [x[0]], 1, linear)
