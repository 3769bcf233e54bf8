# SPDX-License-Identifier: Apache-2.0
"""LinearRegressor: targets, intercepts, transforms.

Left out: transforms of one target, which ONNX Runtime does not apply, but for PROBIT.
"""
from case import Case, numbers

DOMAIN = "ai.onnx.ml"


def cases(rng):
    x = numbers(rng, 35, 4)
    yield Case("one", [x], 1, {"coefficients": numbers(rng, 4).tolist(), "targets": 1})
    for transform in ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"):
        yield Case(f"three_{transform.lower()}", [x], 1,
                   {"coefficients": numbers(rng, 12).tolist(), "targets": 3,
                    "intercepts": numbers(rng, 3).tolist(), "post_transform": transform})
    yield Case("probit", [x[:, :1] * 0], 1, {"coefficients": [1.0], "intercepts": [0.875],
                                             "targets": 1, "post_transform": "PROBIT"})
    yield Case("one_row", [x[0]], 1, {"coefficients": numbers(rng, 4).tolist(), "targets": 1,
                                      "intercepts": [0.5]})
