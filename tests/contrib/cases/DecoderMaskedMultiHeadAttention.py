# SPDX-License-Identifier: Apache-2.0
"""DecoderMaskedMultiHeadAttention: a shared buffer with and without beams, cached keys."""
import numpy as np
from case import Case, numbers

from cases.MultiHeadAttention import HEADS, SIZE, WIDTH, attend, split


def documented(rng):
    """What the documentation says and ONNX Runtime does on a GPU only."""
    q, k, v = (numbers(rng, 2, 1, WIDTH) for _ in range(3))
    past = [numbers(rng, 2, HEADS, 3, SIZE) for _ in range(2)]
    present = [np.concatenate([old, split(new)], 2) for old, new in zip(past, (k, v))]
    yield Case("growing", [q, k, v, None, None] + past, 3, {"num_heads": HEADS},
               expected=[attend(split(q), *present)] + present)
    yield Case("growing_rows", [np.concatenate([q, k, v], 2), None, None, None, None] + past, 3,
               {"num_heads": HEADS}, expected=[attend(split(q), *present)] + present)


def cases(rng):
    scores = {"types": {3: np.float32}}
    for length in (0, 4):
        qkv = [numbers(rng, 4, 1, WIDTH) for _ in range(3)]
        buffers = [numbers(rng, 4, HEADS, 6, SIZE) for _ in range(2)]
        position = np.array([length], np.int32)
        attributes = {"num_heads": HEADS, "past_present_share_buffer": 1}
        mask = np.ones((4, length + 1), np.int32)
        mask[1, 0] = 0
        attention_bias = numbers(rng, 1, HEADS, 1, length + 1)
        bias = numbers(rng, 3 * WIDTH)
        beams = rng.integers(0, 2, (2, 2, 6)).astype(np.int32)
        yield Case(f"plain_{length}", qkv + [None, None] + buffers + [position], 3, attributes)
        yield Case(f"bias_{length}",
                   qkv + [mask, attention_bias] + buffers + [position, None, None, bias], 3,
                   attributes)
        yield Case(f"scores_{length}", qkv + [mask, None] + buffers + [position], 4,
                   attributes | {"output_qk": 1}, (7,), **scores)
        yield Case(f"beams_{length}",
                   qkv + [mask, None] + buffers + [position, np.array([2], np.int32), beams, bias],
                   4, attributes | {"output_qk": 1, "scale": 0.3}, (7,), **scores)
    q, k, v = numbers(rng, 2, 1, WIDTH), *(numbers(rng, 2, HEADS, 5, SIZE) for _ in range(2))
    mask = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1]], np.int32)
    yield Case("cached", [q, k, v], 1, {"num_heads": HEADS})
    yield Case("cached_mask", [q, k, v, mask], [True, False, False, True],
               {"num_heads": HEADS, "output_qk": 1, "mask_filter_value": -3.0}, **scores)
    yield Case("cached_bias", [q, k, v] + [None] * 7 + [numbers(rng, 3 * WIDTH)], 1,
               {"num_heads": HEADS})
    yield from documented(rng)
