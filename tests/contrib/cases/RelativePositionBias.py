# SPDX-License-Identifier: Apache-2.0
"""RelativePositionBias: one and two sides, lengths within and beyond max_distance, element types.

ONNX Runtime has no kernel for the CPU: computed as T5 does."""
import numpy as np
from case import Case, numbers


def buckets_of(length, count, bidirectional, most):
    """The buckets of T5, in float32 as there."""
    distance = np.arange(length)[None, :] - np.arange(length)[:, None]
    first = np.zeros_like(distance)
    if bidirectional:
        count //= 2
        first = np.where(distance > 0, count, 0)
        distance = np.abs(distance)
    else:
        distance = np.maximum(-distance, 0)
    exact = count // 2
    with np.errstate(divide="ignore"):
        large = np.log(distance.astype(np.float32) / exact) / np.float32(np.log(most / exact))
    large = np.maximum(large, 0) * np.float32(count - exact)
    large = np.minimum(exact + np.minimum(large, count).astype(np.int64), count - 1)
    return first + np.where(distance < exact, distance, large)


def cases(rng):
    for dtype in (np.float32, np.float16):
        for length, count, most in ((5, 8, 20), (11, 4, 6), (1, 32, 128), (0, 8, 20)):
            for bidirectional in (0, 1):
                table = numbers(rng, 2, count, dtype=dtype)  # in memory [heads, buckets]
                lengths = [np.array(length, np.int64)] * 2
                where = buckets_of(length, count, bidirectional, most)
                y = table[:, where][None]
                yield Case(f"{np.dtype(dtype)}_{length}_{bidirectional}",
                           [table.reshape(count, 2), *lengths], 1,
                           {"max_distance": most, "is_bidirectional": bidirectional},
                           constant=(1, 2) if bidirectional else (), expected=[y])
