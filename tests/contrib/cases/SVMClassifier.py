# SPDX-License-Identifier: Apache-2.0
"""SVMClassifier: kernels, two and more classes, probabilities, linear, labels, types, transforms.

Left out: two classes without probabilities and with a transform, which ONNX Runtime replaces by 1 -
score, and linear machines of two classes, whose label it takes from the sign.
"""
import numpy as np

from case import Case, numbers

DOMAIN = "ai.onnx.ml"


def machine(rng, counts, features):
    classes = len(counts)
    pairs = classes * (classes - 1) // 2
    return {"vectors_per_class": counts,
            "support_vectors": numbers(rng, sum(counts) * features).tolist(),
            "coefficients": numbers(rng, (classes - 1) * sum(counts)).tolist(),
            "rho": numbers(rng, pairs).tolist(),
            "kernel_params": [0.25, 0.5, 2.0]}, pairs


def cases(rng):
    x = numbers(rng, 7, 3)
    for kernel in ("LINEAR", "POLY", "RBF", "SIGMOID"):
        for counts in ([2, 3], [2, 1, 3], [1, 2, 0, 2]):
            attributes, pairs = machine(rng, counts, 3)
            labels = {"classlabels_ints": [4, 2, 9, -1][:len(counts)]}
            if kernel in ("POLY", "RBF"):
                labels = {"classlabels_strings": ["a", "b", "c", "d"][:len(counts)]}
            name = f"{kernel.lower()}_{len(counts)}"
            yield Case(name, [x], 2, {**attributes, **labels, "kernel_type": kernel})
            probabilities = {"prob_a": (-1 - rng.integers(0, 8, pairs) / 8).tolist(),
                             "prob_b": numbers(rng, pairs).tolist()}
            yield Case(f"{name}_probability", [x], 2,
                       {**attributes, **labels, **probabilities, "kernel_type": kernel})
    for transform in ("SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"):
        attributes, _ = machine(rng, [2, 1, 3], 3)
        yield Case(f"three_{transform.lower()}", [x], 2,
                   {**attributes, "classlabels_ints": [0, 1, 2], "post_transform": transform})
    linear = {"coefficients": numbers(rng, 9).tolist(), "rho": [0.5],
              "kernel_params": [0.0, 0.0, 0.0], "classlabels_ints": [3, 1, 2]}
    yield Case("linear_machine", [x], 2, linear)
    for dtype in (np.float64, np.int64, np.int32):
        yield Case(f"linear_{np.dtype(dtype).name}", [(x * 4).astype(dtype)], 2, linear)
