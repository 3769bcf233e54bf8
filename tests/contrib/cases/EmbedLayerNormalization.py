# SPDX-License-Identifier: Apache-2.0
import numpy as np

from case import Case, numbers

BATCH, LENGTH, WIDTH = 2, 3, 8
WORDS, POSITIONS, SEGMENTS = 7, 5, 2


def operands(rng, segments=True, width=WIDTH):
    """All inputs up to beta."""
    return [
        rng.integers(0, WORDS, (BATCH, LENGTH)).astype(np.int32),
        rng.integers(0, SEGMENTS, (BATCH, LENGTH)).astype(np.int32) if segments else None,
        numbers(rng, WORDS, width),
        numbers(rng, POSITIONS, width),
        numbers(rng, SEGMENTS, width) if segments else None,
        numbers(rng, width),
        numbers(rng, width),
    ]


def cases(rng):
    mask = np.array([[1, 1, 0], [1, 1, 1]], np.int32)
    positions = np.array([[2, 3, 4], [0, 0, 1]], np.int32)
    yield Case("mask", operands(rng) + [mask], 2)
    yield Case("mask_without_ones", operands(rng) + [0 * mask], 2)
    yield Case("no_mask", operands(rng), 2)
    yield Case("epsilon", operands(rng), 2, {"epsilon": 0.5})
    yield Case("no_segments", operands(rng, False) + [mask], 2)
    yield Case("odd_width", operands(rng, width=5), 2)
    yield Case("embedding_sum", operands(rng) + [mask], 3)
    yield Case("embedding_sum_only", operands(rng, False), [True, False, True], {"mask_index_type": 0})
    yield Case("positions", operands(rng) + [mask, positions], 3)
    yield Case("positions_of_one_row", operands(rng, False) + [None, positions[:1]], 2)
    yield Case("constant_tables", operands(rng) + [mask], 2, constant=(2, 3, 4, 5, 6))
