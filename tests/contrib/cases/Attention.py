# SPDX-License-Identifier: Apache-2.0
"""Attention: forms of the mask, past and present, bias of scores, sizes of heads."""
import numpy as np
from case import Case, numbers

HEADS, SIZE, WIDTH = 2, 4, 6


def attend(q, k, v, offset):
    """Causal attention of [B,N,S,H] queries over the keys up to offset + i."""
    scores = q @ k.swapaxes(2, 3) / np.sqrt(q.shape[3])
    seen = np.arange(k.shape[2]) <= offset + np.arange(q.shape[2])[:, None]
    scores = np.where(seen, scores, -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    y = p / p.sum(-1, keepdims=True) @ v
    return y.swapaxes(1, 2).reshape(y.shape[0], y.shape[2], -1).astype(np.float32)


def project(x, w, b):
    """Queries, keys and values, [B,N,S,H] each."""
    qkv = (x @ w + b).reshape(*x.shape[:2], 3, HEADS, SIZE)
    return qkv.transpose(2, 0, 3, 1, 4)


def turn(x, start):
    """Rotary embedding of the halves of each head."""
    half = x.shape[3] // 2
    angle = (start + np.arange(x.shape[2]))[:, None] * 10000.0 ** -(np.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([np.cos(angle) * a - np.sin(angle) * b,
                           np.sin(angle) * a + np.cos(angle) * b], -1)


def masks(rng, batch, queries, total):
    """Name and value of each form."""
    grid = (rng.random((batch, total)) < 0.6).astype(np.int32)
    grid[:, 0] = 1
    yield "grid", grid
    yield "nothing", np.zeros((batch, total), np.int32)
    cube = (rng.random((batch, queries, total)) < 0.5).astype(np.int32)
    yield "cube", cube
    ends = rng.integers(1, total + 1, batch).astype(np.int32)
    yield "ends", ends
    yield "starts", np.concatenate([ends, ends // 2]).astype(np.int32)
    yield "cumulated", np.concatenate([ends, np.zeros(2 * batch + 2)]).astype(np.int32)


def projected(rng, batch, queries, dtype=np.float32, sizes=(HEADS * SIZE,) * 3):
    return [numbers(rng, *shape, dtype=dtype)
            for shape in ((batch, queries, WIDTH), (WIDTH, sum(sizes)), (sum(sizes),))]


def documented(rng):
    """What ONNX Runtime does on a GPU only."""
    x, w, b = projected(rng, 2, 3)
    q, k, v = project(x, w, b)
    past = numbers(rng, 2, 2, HEADS, 7, SIZE)
    for length in (0, 2, 4):
        present = past.copy()
        present[0, :, :, length:length + 3], present[1, :, :, length:length + 3] = k, v
        y = attend(q, present[0, :, :, :length + 3], present[1, :, :, :length + 3], length)
        yield Case(f"shared_{length}", [x, w, b, None, past, None, np.array([length], np.int32)], 2,
                   {"num_heads": HEADS, "unidirectional": 1, "past_present_share_buffer": 1},
                   expected=[y, present])
    for length in (0, 5):
        old = past[:, :, :, :length]
        present = np.concatenate([old, np.stack([turn(k, length), v])], 3).astype(np.float32)
        y = attend(turn(q, length), present[0], present[1], length)
        yield Case(f"rotary_{length}", [x, w, b, None, old], 2,
                   {"num_heads": HEADS, "unidirectional": 1, "do_rotary": 1},
                   expected=[y, present])
    yield Case("without_bias", [x, w], 1, {"num_heads": HEADS, "unidirectional": 1},
               expected=[attend(*project(x, w, 0), 0)])
    square = (rng.random((2, 1, 8, 8)) < 0.7).astype(np.int32)
    square[..., 0] = 1
    scores = q @ k.swapaxes(2, 3) / np.sqrt(SIZE) - 1e4 * (square[:, :, :3, :3] == 0)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    y = (p / p.sum(-1, keepdims=True) @ v).swapaxes(1, 2).reshape(2, 3, -1)
    yield Case("square", [x, w, b, square], 1, {"num_heads": HEADS},
               expected=[y.astype(np.float32)])


def cases(rng):
    attributes = {"num_heads": HEADS}
    for causal in (0, 1):
        attributes = {"num_heads": HEADS, "unidirectional": causal}
        name = "causal_" * causal
        yield Case(f"{name}plain", projected(rng, 2, 5), 2, attributes, (1,))
        for past in (0, 3):
            for form, mask in masks(rng, 2, 4, past + 4):
                if causal and form in ("nothing", "cube"):
                    continue  # there ONNX Runtime spreads over keys that are not to be seen
                old = numbers(rng, 2, 2, HEADS, past, SIZE)
                yield Case(f"{name}past{past}_{form}",
                           projected(rng, 2, 4) + [mask, old if past else None], 2, attributes)
        for lead in ((2, HEADS), (1, HEADS), (2, 1), (1, 1)):
            bias = numbers(rng, *lead, 5, 5)
            mask = np.array([[1, 1, 0, 1, 1], [1, 1, 1, 1, 0]], np.int32)
            yield Case(f"{name}bias_{lead[0]}_{lead[1]}",
                       projected(rng, 2, 5) + [mask, None, bias], 2, attributes)
    yield Case("scale_and_filter", projected(rng, 2, 4) + [np.array([2, 3], np.int32)], 1,
               {"num_heads": HEADS, "scale": 0.3, "mask_filter_value": -2.5})
    yield Case("wide_values", projected(rng, 2, 4, sizes=(8, 8, 12)), 1,
               {"num_heads": HEADS, "qkv_hidden_sizes": [8, 8, 12]})
    yield Case("half", projected(rng, 2, 4, np.float16) + [np.array([2, 3], np.int32)], 1,
               {"num_heads": HEADS}, rtol=1e-2, atol=1e-2)
    yield from documented(rng)
