# SPDX-License-Identifier: Apache-2.0
"""RestorePadding: ONNX Runtime has it for CUDA only, expected is computed from the documentation."""
import numpy as np
from case import Case, numbers
from cases.PackedMultiHeadAttention import places


def cases(rng):
    for name, counts, dtype in (("floats", (3, 1, 4), np.float32), ("halves", (2, 4, 3), np.float16),
                                ("empty_sequences", (0, 4, 0), np.float32), ("full", (4, 4), np.float32)):
        offset, _ = places(counts, 4)
        x = numbers(rng, sum(counts), 3, dtype=dtype)
        y = np.zeros((len(counts) * 4, 3), dtype)
        y[offset.ravel()[:len(x)]] = x
        yield Case(name, [x, offset], 1, expected=[y.reshape(len(counts), 4, 3)])
