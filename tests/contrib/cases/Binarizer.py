# SPDX-License-Identifier: Apache-2.0
"""Binarizer.

Left out: other types, for which ONNX Runtime has no kernel, and NaN, which is an error there.
"""
from case import Case, numbers

DOMAIN = "ai.onnx.ml"


def cases(rng):
    x = numbers(rng, 5, 30)
    yield Case("default", [x], 1)
    yield Case("threshold", [x], 1, {"threshold": 0.5})
