# SPDX-License-Identifier: Apache-2.0
"""GatedRelativePositionBias: heads, packed tokens, element types.

ONNX Runtime has no kernel for the CPU: computed from the documentation."""
import numpy as np
from case import Case, numbers

BATCH, LENGTH, SIZE, WIDTH = 2, 5, 4, 6


def gated(inputs, query, heads):
    """The documented formula for query [B, S, N*H] in double precision."""
    _, query_bias, rel_pos, weight, bias, eco_a = (x.astype(np.float64) for x in inputs[:6])
    q = (query + query_bias).reshape(BATCH, LENGTH, heads, SIZE).transpose(0, 2, 1, 3)
    parts = (q @ weight + bias).reshape(BATCH, heads, LENGTH, 2, WIDTH // 2).sum(axis=-1)
    u, r = np.split(1 / (1 + np.exp(-parts)), 2, axis=-1)
    return (u * (r * eco_a - 1) + 2) * rel_pos


def cases(rng):
    for dtype, rtol in ((np.float32, 1e-5), (np.float16, 2e-3)):
        for heads in (1, 3):
            for is_packed in (False, True):
                shapes = [(BATCH, LENGTH, heads * SIZE), (heads * SIZE,), (1, heads, LENGTH, LENGTH),
                          (SIZE, WIDTH), (WIDTH,), (1, heads, 1, 1)]
                inputs = [numbers(rng, *s, dtype=dtype) for s in shapes]
                query = inputs[0].astype(np.float64)
                if is_packed:  # tokens of lengths 3 and 4, then the places without token
                    places = np.array([[0, 1, 2, 5, 6], [7, 8, 3, 4, 9]], np.int32)
                    flat = query.reshape(-1, heads * SIZE)
                    inputs[0] = inputs[0].reshape(flat.shape)[places.ravel()[:7]]
                    flat[places.ravel()[7:]] = 0
                    inputs.append(places)
                y = gated(inputs, query, heads).astype(dtype)
                yield Case(f"{np.dtype(dtype)}_{heads}{'_packed' * is_packed}", inputs, 1,
                           {"num_heads": heads}, expected=[y], rtol=rtol, atol=rtol)
