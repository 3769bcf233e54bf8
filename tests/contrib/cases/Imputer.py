# SPDX-License-Identifier: Apache-2.0
"""Imputer: floats and integers, NaN, one value and one per feature.

Left out: float64 and int32, for which ONNX Runtime has no kernel.
"""
import numpy as np

from case import Case, numbers

DOMAIN = "ai.onnx.ml"


def cases(rng):
    x = np.round(numbers(rng, 5, 3))
    holes = x.copy()
    holes[x == 0] = np.nan
    for name, values in (("one", [0.5]), ("features", [0.5, -1.5, 9.0])):
        yield Case(f"float_{name}", [x], 1,
                   {"imputed_value_floats": values, "replaced_value_float": 1.0})
        yield Case(f"nan_{name}", [holes], 1,
                   {"imputed_value_floats": values, "replaced_value_float": float("nan")})
        yield Case(f"int_{name}", [x.astype(np.int64)], 1,
                   {"imputed_value_int64s": [int(v * 2) for v in values],
                    "replaced_value_int64": -1})
