# SPDX-License-Identifier: Apache-2.0
"""RemovePadding: ONNX Runtime has it for CUDA only, expected is computed from the documentation."""
import numpy as np
from case import Case, numbers
from cases.PackedMultiHeadAttention import places


def cases(rng):
    for name, counts, dtype in (("floats", (3, 1, 4), np.float32), ("halves", (2, 4, 3), np.float16),
                                ("empty_sequences", (0, 4, 0), np.float32), ("full", (4, 4), np.float32)):
        x = numbers(rng, len(counts), 4, 3, dtype=dtype)
        offset, cumulated = places(counts, 4)
        y = x.reshape(-1, 3)[offset.ravel()[:sum(counts)]]
        expected = [y, offset, cumulated, np.array([max(counts)], np.int32)]
        yield Case(name, [x, np.array(counts, np.int32)], 4, expected=expected)
