# SPDX-License-Identifier: Apache-2.0
"""RotaryEmbedding: ranks, forms of positions, part of a head, interleaved pairs, packed batches.

ONNX Runtime takes a scale but does not use it.
"""
import numpy as np
from case import Case, numbers


def make(rng, name, shape=(2, 3, 8), head=4, positions="ids", rotated=0, rows=6, dtype=np.float32, **attributes):
    batch, length = shape[0], shape[-2]
    angles = rng.integers(-16, 17, (rows, (rotated or head) // 2)) / 8
    ids = {"ids": rng.integers(0, rows, (batch, length)), "start": np.array([2]), "scalar": np.array(1)}[positions]
    if rotated:
        attributes["rotary_embedding_dim"] = rotated
    inputs = [numbers(rng, *shape, dtype=dtype), ids.astype(np.int64), np.cos(angles).astype(dtype),
              np.sin(angles).astype(dtype)]
    loose = 4e-3 if dtype == np.float16 else 1e-5
    return Case(name, inputs, 1, attributes, rtol=loose, atol=loose)


def cases(rng):
    for interleaved in (0, 1):
        for shape in ((2, 3, 8), (2, 2, 3, 4)):
            for positions in ("ids", "start", "scalar"):
                name = f"rank{len(shape)}_{positions}{'_interleaved' * interleaved}"
                yield make(rng, name, shape, positions=positions, interleaved=interleaved)
    yield make(rng, "heads", num_heads=2)
    yield make(rng, "part_of_head", (2, 3, 16), head=8, rotated=4, num_heads=2)
    yield make(rng, "part_of_head_interleaved", (2, 3, 16), head=8, rotated=4, num_heads=2, interleaved=1)
    yield make(rng, "part_of_head_rank4", (2, 2, 3, 8), head=8, rotated=6, num_heads=2)
    yield make(rng, "whole_head_given", (2, 3, 8), rotated=4, num_heads=2)
    yield make(rng, "one_head", (1, 1, 6), head=6)
    yield make(rng, "scale", scale=2.5)
    yield make(rng, "packed", (1, 9, 8), rows=4, is_packed_batching=1)
    yield make(rng, "packed_short", is_packed_batching=1)
    yield make(rng, "half", dtype=np.float16)
    yield make(rng, "half_interleaved", (2, 3, 16), head=8, rotated=4, num_heads=2, dtype=np.float16, interleaved=1)
