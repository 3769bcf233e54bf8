# SPDX-License-Identifier: Apache-2.0
"""PackedMultiHeadAttention: sequences of several lengths, formats of query, key and value, bias, attention_bias.

ONNX Runtime has it for CUDA only: expected is the attention of each sequence alone, from the documentation.
"""
import numpy as np
from case import Case, numbers

HEADS = 2


def places(counts, length):
    """token_offset and cumulative_sequence_length of sequences that are padded to a length."""
    grid = np.arange(len(counts) * length).reshape(-1, length)
    is_token = np.arange(length) < np.array(counts)[:, None]
    offset = np.concatenate([grid[is_token], grid[~is_token]])
    return (offset.reshape(grid.shape).astype(np.int32),
            np.cumsum([0, *counts]).astype(np.int32))


def attend(q, k, v, counts, attention_bias=None, scale=None):
    """Of tokens [T,N,H]."""
    y = np.zeros(v.shape)
    scale = scale or 1 / np.sqrt(q.shape[2])
    first = 0
    for b, count in enumerate(counts):
        rows = slice(first, first + count)
        first += count
        scores = np.einsum("inh,jnh->nij", q[rows], k[rows]) * scale
        if attention_bias is not None:
            one = attention_bias[b % len(attention_bias)]
            scores = scores + one[:, :count, :count]
        p = np.exp(scores - scores.max(-1, keepdims=True)) if count else scores
        y[rows] = np.einsum("nij,jnh->inh", p / p.sum(-1, keepdims=True), v[rows])
    return y.reshape(len(y), -1)


def make(rng, name, counts=(3, 1, 4), length=4, head=4, v_head=4, together=False, bias=False, bias_shape=None,
         dtype=np.float32, **attributes):
    tokens = sum(counts)
    qkv = [numbers(rng, tokens, HEADS, size, dtype=dtype) for size in (head, head, v_head)]
    inputs = [np.stack(qkv, 2), None, None] if together else [x.reshape(tokens, -1) for x in qkv]
    sums = [x.astype(np.float64) for x in qkv]
    offsets = None
    if bias:
        parts = [numbers(rng, HEADS, x.shape[2], dtype=dtype) for x in qkv]
        offsets = np.concatenate([part.ravel() for part in parts])
        sums = [x + part for x, part in zip(sums, parts)]
    inputs += [offsets, *places(counts, length)]
    scores = numbers(rng, *bias_shape, length, length, dtype=dtype) if bias_shape else None
    if bias_shape:
        inputs.append(scores)
    y = attend(*sums, counts, scores, attributes.get("scale")).astype(dtype)
    loose = 4e-3 if dtype == np.float16 else 1e-4
    return Case(name, inputs, 1, {"num_heads": HEADS} | attributes, expected=[y], rtol=loose, atol=loose)


def cases(rng):
    for together in (False, True):
        for bias in (False, True):
            name = ("together" if together else "apart") + "_bias" * bias
            yield make(rng, name, together=together, bias=bias)
            yield make(rng, name + "_half", together=together, bias=bias, dtype=np.float16)
    for shape in ((3, HEADS), (1, HEADS), (3, 1), (1, 1)):
        yield make(rng, f"scores_{shape[0]}x{shape[1]}", bias_shape=shape)
    yield make(rng, "wide_values", v_head=7, bias=True)
    yield make(rng, "scale", scale=0.25)
    yield make(rng, "empty_sequences", counts=(0, 2, 0, 4, 0), together=True)
    yield make(rng, "no_padding", counts=(4, 4), bias_shape=(2, 1))
    yield make(rng, "long", counts=(70, 33), length=80, head=2, v_head=2)
