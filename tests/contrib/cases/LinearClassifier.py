# SPDX-License-Identifier: Apache-2.0
"""LinearClassifier: one score for two classes, several classes, transforms, labels, types.

Left out: SOFTMAX and SOFTMAX_ZERO of one score, which ONNX Runtime replaces by 1 - score.
"""
import numpy as np

from case import Case, numbers

DOMAIN = "ai.onnx.ml"


def cases(rng):
    x = numbers(rng, 40, 3)
    for transform in ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"):
        three = {"coefficients": numbers(rng, 9).tolist(), "intercepts": numbers(rng, 3).tolist(),
                 "post_transform": transform, "multi_class": 1}
        yield Case(f"three_{transform.lower()}", [x], 2, {**three, "classlabels_ints": [4, 0, -2]})
        if transform in ("NONE", "LOGISTIC"):
            yield Case(f"pair_{transform.lower()}", [x], 2,
                       {"coefficients": numbers(rng, 3).tolist(), "intercepts": [0.25],
                        "classlabels_strings": ["no", "yes"], "post_transform": transform})
    for dtype in (np.float64, np.int64, np.int32):
        yield Case(f"three_{np.dtype(dtype).name}", [(x * 4).astype(dtype)], 2,
                   {**three, "classlabels_strings": ["a", "b", "c"], "post_transform": "NONE"})
    yield Case("one_row", [x[0]], 2, {**three, "classlabels_ints": [1, 2, 3]})
