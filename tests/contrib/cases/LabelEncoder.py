# SPDX-License-Identifier: Apache-2.0
"""LabelEncoder: all pairs of types, defaults, NaN.

Left out: NaN among keys_floats, which ONNX Runtime does not find, and repeated keys, of which it takes
the first against the specification.
"""
import numpy as np
from onnx import numpy_helper

from case import Case

DOMAIN = "ai.onnx.ml"

STRINGS = np.array([["Amy", "Bob"], ["", "Zoë"]], dtype=object)
FLOATS = np.array([1.5, 0, -2, 7], np.float32)
INTS = np.array([[3], [-4], [5]], np.int64)
KEYS = {"strings": (["Amy", "", "Carl"], STRINGS), "floats": ([7.0, 1.5, 3.0], FLOATS),
        "int64s": ([5, 3, 9], INTS)}
VALUES = {"strings": ["x", "", "z"], "floats": [0.5, -1.0, 2.0], "int64s": [10, 20, 30]}


def tensor(name, values, dtype):
    return numpy_helper.from_array(np.array(values, dtype), name)


def cases(rng):
    del rng
    yield Case("classes_from_strings", [STRINGS], 1, {"classes_strings": ["Amy", "Bob", "", "q"]})
    yield Case("classes_to_strings", [np.arange(-1, 4)], 1,
               {"classes_strings": ["a", "b", "c"], "default_string": "none"})
    for keys, (names, x) in KEYS.items():
        for values, labels in VALUES.items():
            if keys == values == "strings":
                continue
            yield Case(f"{keys}_to_{values}", [x], 1,
                       {f"keys_{keys}": names, f"values_{values}": labels}, version=2)
    yield Case("strings_to_strings", [STRINGS], 1,
               {"keys_strings": ["Amy", "Bob"], "values_strings": ["A", "B"],
                "default_string": "?"}, version=2)
    yield Case("default_int64", [FLOATS], 1,
               {"keys_floats": [7.0], "values_int64s": [1], "default_int64": 99}, version=4)
    yield Case("default_float", [INTS], 1,
               {"keys_int64s": [3, 5], "values_floats": [1.0, 2.0], "default_float": 9.0}, version=4)
    yield Case("tensor_int16", [STRINGS], 1,
               {"keys_tensor": tensor("k", ["Amy", ""], object),
                "values_tensor": tensor("v", [5, -6], np.int16),
                "default_tensor": tensor("d", [42], np.int16)}, version=4)
    yield Case("tensor_double", [np.array([np.nan, 1.5, 2])], 1,
               {"keys_tensor": tensor("k", [1.5, np.nan], np.float64),
                "values_tensor": tensor("v", [0.25, 8], np.float64)}, version=4)
