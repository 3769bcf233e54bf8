# SPDX-License-Identifier: Apache-2.0
"""CategoryMapper in both directions."""
import numpy as np

from case import Case

DOMAIN = "ai.onnx.ml"


def cases(rng):
    del rng
    both = {"cats_int64s": [3, -1, 8], "cats_strings": ["a", "bb", ""]}
    yield Case("from_strings", [np.array([["bb", "x"], ["", "a"]], dtype=object)], 1,
               {**both, "default_int64": 77})
    yield Case("to_strings", [np.array([8, 3, 4, -1])], 1, both)
