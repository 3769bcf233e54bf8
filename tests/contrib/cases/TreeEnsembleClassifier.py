# SPDX-License-Identifier: Apache-2.0
"""TreeEnsembleClassifier: two classes with one score, many classes, labels, transforms, types.

Left out: two classes that both have votes or two base values, where ONNX Runtime gives labels that
are none of the model; and transforms of one score other than LOGISTIC, which it leaves out.
"""
import numpy as np

from case import Case, numbers
from trees import grow

DOMAIN = "ai.onnx.ml"


def cases(rng):
    def weight():
        return float(rng.integers(-8, 9) / 8)

    def share():
        return float(rng.integers(1, 8) / 16)

    x = numbers(rng, 9, 4)
    for transform in ("NONE", "LOGISTIC"):
        for name, draw in (("mixed", weight), ("shares", share)):
            trees = grow(rng, 2, 3, 4, [0], "class", draw)
            if name == "shares" and transform == "LOGISTIC":
                continue
            yield Case(f"two_{name}_{transform.lower()}", [x], 2,
                       {**trees, "classlabels_int64s": [7, -3], "post_transform": transform})
    trees = grow(rng, 2, 3, 4, [0], "class", weight, missing=True)
    yield Case("two_base", [x], 2, {**trees, "classlabels_strings": ["no", "yes"],
                                    "base_values": [0.25]})
    for transform in ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"):
        trees = grow(rng, 2, 2, 4, [0, 1, 2], "class", share)
        yield Case(f"three_{transform.lower()}", [x], 2,
                   {**trees, "classlabels_int64s": [5, 6, 9], "post_transform": transform})
    trees = grow(rng, 3, 2, 4, [2, 0, 1, 3], "class", weight)
    yield Case("four_base", [x], 2,
               {**trees, "classlabels_strings": ["a", "b", "", "d"],
                "base_values": [0.5, -0.5, 0.25, 0.0]})
    for dtype in (np.float64, np.int64, np.int32):
        yield Case(f"four_{np.dtype(dtype).name}", [(x * 4).astype(dtype)], 2,
                   {**trees, "classlabels_strings": ["a", "b", "c", "d"]})
