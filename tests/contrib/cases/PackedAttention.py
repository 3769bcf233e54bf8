# SPDX-License-Identifier: Apache-2.0
"""PackedAttention: sequences of several lengths, widths of values, attention_bias, constant weights.

ONNX Runtime has it for CUDA only: expected is the attention of each sequence alone, from the documentation.
"""
import numpy as np
from case import Case, numbers
from cases.PackedMultiHeadAttention import HEADS, attend, places


def make(rng, name, counts=(3, 1, 4), length=4, depth=6, head=4, v_head=None, bias_shape=None, constant=(),
         dtype=np.float32, **attributes):
    sizes = [HEADS * head, HEADS * head, HEADS * (v_head or head)]
    x = numbers(rng, sum(counts), depth, dtype=dtype)
    weights = numbers(rng, depth, sum(sizes), dtype=dtype)
    bias = numbers(rng, sum(sizes), dtype=dtype)
    qkv = x.astype(np.float64) @ weights + bias
    parts = [part.reshape(len(x), HEADS, -1) for part in np.split(qkv, np.cumsum(sizes)[:2], 1)]
    inputs = [x, weights, bias, *places(counts, length)]
    scores = numbers(rng, *bias_shape, length, length, dtype=dtype) if bias_shape else None
    if bias_shape:
        inputs.append(scores)
    y = attend(*parts, counts, scores, attributes.get("scale")).astype(dtype)
    attributes |= {"num_heads": HEADS} | ({"qkv_hidden_sizes": sizes} if v_head else {})
    loose = 2e-2 if dtype == np.float16 else 1e-4
    return Case(name, inputs, 1, attributes, constant=constant, expected=[y], rtol=loose, atol=loose)


def cases(rng):
    yield make(rng, "plain")
    yield make(rng, "constant", constant=(1, 2))
    yield make(rng, "half", constant=(1, 2), dtype=np.float16)
    yield make(rng, "half_run_time", dtype=np.float16)
    yield make(rng, "wide_values", v_head=7)
    yield make(rng, "same_widths", v_head=4)
    for shape in ((3, HEADS), (1, HEADS), (3, 1), (1, 1)):
        yield make(rng, f"scores_{shape[0]}x{shape[1]}", bias_shape=shape, constant=(1,))
    yield make(rng, "scale", scale=0.25)
    yield make(rng, "empty_sequences", counts=(0, 2, 0, 4, 0))
    yield make(rng, "no_padding", counts=(4, 4), bias_shape=(2, 1))
