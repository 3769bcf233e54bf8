# SPDX-License-Identifier: Apache-2.0
"""MultiHeadAttention: formats of query, key and value, masks, past, beams, scores."""
import numpy as np
from case import Case, numbers

HEADS, SIZE = 2, 4
WIDTH = HEADS * SIZE


def split(x):
    return x.reshape(x.shape[0], x.shape[1], HEADS, -1).transpose(0, 2, 1, 3)


def attend(q, k, v):
    """Of heads [B,N,S,H]."""
    scores = q @ k.swapaxes(2, 3) / np.float32(np.sqrt(q.shape[3]))
    p = np.exp(scores - scores.max(-1, keepdims=True))
    y = p / p.sum(-1, keepdims=True) @ v
    return y.swapaxes(1, 2).reshape(y.shape[0], y.shape[2], -1)


def masks(rng, batch, queries, total):
    yield "grid", np.array([[1, 0, 1, 1, 0, 1, 0], [1, 1, 1, 0, 0, 0, 0]])[:, :total]
    yield "cube", (rng.random((batch, queries, total)) < 0.5)
    yield "ends", rng.integers(1, total + 1, batch)
    yield "cumulated", np.concatenate([rng.integers(1, total + 1, batch), np.zeros(2 * batch + 2)])


def packed(rng):
    """Formats that ONNX Runtime takes on a GPU only."""
    q, k, v = (numbers(rng, 2, 3, WIDTH) for _ in range(3))
    stacked = np.stack([x.reshape(2, 3, HEADS, SIZE) for x in (q, k, v)], 3)
    y = attend(split(q), split(k), split(v))
    yield Case("packed_qkv", [stacked], 3, {"num_heads": HEADS}, expected=[y, split(k), split(v)])
    yield Case("packed_kv", [q, stacked[:, :, :, 1:]], 1, {"num_heads": HEADS}, expected=[y])
    bias = numbers(rng, 3 * WIDTH)
    y = attend(*(split(x + b) for x, b in zip((q, k, v), bias.reshape(3, -1))))
    yield Case("packed_qkv_bias", [stacked, None, None, bias], 1, {"num_heads": HEADS},
               expected=[y])


def shared(rng):
    """A buffer of 6 rows, of which some are filled."""
    scores = {"types": {3: np.float32}}
    for queries, length in ((1, 0), (1, 4), (3, 2)):
        qkv = [numbers(rng, 4, queries, WIDTH) for _ in range(3)]
        buffers = [numbers(rng, 4, HEADS, 6, SIZE) for _ in range(2)]
        position = np.array([length], np.int32)
        bias = numbers(rng, 3 * WIDTH) if length else None
        name = f"shared_{queries}_{length}"
        yield Case(name, qkv + [bias, None, None] + buffers + [position], 3, {"num_heads": HEADS})
        mask = np.ones((4, length + queries), np.int32)
        mask[1, 0] = 0
        attention_bias = numbers(rng, 1, HEADS, queries, length + queries)
        yield Case(name + "_mask", qkv + [bias, mask, attention_bias] + buffers + [position], 4,
                   {"num_heads": HEADS}, (8,), **scores)
        if queries == 1:
            beams = rng.integers(0, 2, (2, 2, 6)).astype(np.int32)
            yield Case(name + "_beams",
                       qkv + [bias, None, None] + buffers + [position, beams], 4,
                       {"num_heads": HEADS}, (8,), **scores)


def cases(rng):
    for causal in (0, 1):
        attributes = {"num_heads": HEADS, "unidirectional": causal}
        lead = "causal_" * causal
        for past in (0, 3):
            total = past + 4
            cache = [numbers(rng, 2, HEADS, past, SIZE) for _ in range(2)] if past else [None] * 2
            name = f"{lead}past{past}"
            qkv = [numbers(rng, 2, 4, WIDTH) for _ in range(3)]
            yield Case(name, qkv + [numbers(rng, 3 * WIDTH), None, None] + cache, 4, attributes,
                       types={3: np.float32})
            for form, mask in masks(rng, 2, 4, total):
                if causal and form == "cube":
                    continue  # there ONNX Runtime spreads over keys that are not to be seen
                yield Case(f"{name}_{form}", qkv + [None, mask.astype(np.int32), None] + cache, 3,
                           attributes)
            for dims in ((2, HEADS), (1, HEADS), (2, 1), (1, 1)):
                bias = numbers(rng, *dims, 4, total)
                yield Case(f"{name}_bias{dims[0]}{dims[1]}", qkv + [None, None, bias] + cache, 3,
                           attributes)
    q, k, v = numbers(rng, 2, 3, WIDTH), numbers(rng, 2, 5, WIDTH), numbers(rng, 2, 5, 12)
    yield Case("cross", [q, k, v], 1, {"num_heads": HEADS, "scale": 0.25})
    yield Case("cross_bias", [q, k, v, numbers(rng, 2 * WIDTH + 12)], 1, {"num_heads": HEADS})
    mask = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1]], np.int32)
    yield Case("cross_mask", [q, k, v, None, mask], [True, False, False, True],
               {"num_heads": HEADS, "mask_filter_value": -3.0}, types={3: np.float32})
    k, v = (numbers(rng, 2, HEADS, 5, SIZE) for _ in range(2))
    yield Case("cached", [q, k, v], 3, {"num_heads": HEADS})
    yield Case("cached_bias", [q, k, v, numbers(rng, 3 * WIDTH), mask], 1, {"num_heads": HEADS})
    half = [numbers(rng, 2, 3, WIDTH, dtype=np.float16) for _ in range(3)]
    yield Case("half", half + [numbers(rng, 3 * WIDTH, dtype=np.float16)], 1,
               {"num_heads": HEADS}, rtol=1e-2, atol=1e-2)
    yield from shared(rng)
    yield from packed(rng)
