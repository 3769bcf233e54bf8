# SPDX-License-Identifier: Apache-2.0
"""TreeEnsembleRegressor: comparisons, missing values, aggregates, transforms.

Left out: base values of targets without votes, and LOGISTIC, SOFTMAX and SOFTMAX_ZERO with one target,
which ONNX Runtime does not apply.
"""
import numpy as np
from onnx import numpy_helper

from case import Case, numbers
from trees import grow

DOMAIN = "ai.onnx.ml"


def cases(rng):
    def weight():
        return float(rng.integers(-8, 9) / 8)

    def share():
        return float(rng.integers(1, 8) / 8)

    x = numbers(rng, 9, 4)
    holes = x.copy()
    holes[rng.integers(0, 3, x.shape) == 0] = np.nan
    for aggregate in ("SUM", "AVERAGE", "MIN", "MAX"):
        trees = grow(rng, 3, 3, 4, [0], "target", weight)
        yield Case(f"one_{aggregate.lower()}", [x], 1,
                   {**trees, "n_targets": 1, "aggregate_function": aggregate})
        trees = grow(rng, 4, 2, 4, [0, 2, 1], "target", weight, missing=True)
        yield Case(f"three_{aggregate.lower()}", [holes], 1,
                   {**trees, "n_targets": 3, "aggregate_function": aggregate,
                    "base_values": [0.5, 0.25, -1.0]})
    for transform in ("SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"):
        trees = grow(rng, 2, 2, 4, [0, 1], "target", weight)
        yield Case(f"two_{transform.lower()}", [x], 1,
                   {**trees, "n_targets": 2, "post_transform": transform})
    trees = grow(rng, 1, 3, 4, [0], "target", share)
    yield Case("one_probit", [x], 1, {**trees, "n_targets": 1, "post_transform": "PROBIT"})
    trees = grow(rng, 3, 3, 4, [0], "target", weight)
    yield Case("base", [holes], 1, {**trees, "n_targets": 1, "base_values": [0.75]})
    doubles = dict(trees)
    for name in ("nodes_values", "target_weights"):
        doubles[f"{name}_as_tensor"] = numpy_helper.from_array(np.array(doubles.pop(name)), name)
    yield Case("tensors", [holes.astype(np.float64)], 1, {**doubles, "n_targets": 1}, version=3)
