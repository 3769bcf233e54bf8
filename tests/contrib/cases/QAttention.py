# SPDX-License-Identifier: Apache-2.0
"""QAttention: types of weights, one scale or one per column, forms of the mask, past and present.

ONNX Runtime has it for uint8 inputs and float32 results.
"""
import numpy as np
from case import Case, numbers
from quantised import arrays, bytes_of

from cases.Attention import HEADS, SIZE, WIDTH, masks


def projected(rng, dtype, columns, queries):
    """All inputs up to weight_scale, and the zero points."""
    n = 3 * HEADS * SIZE
    size = (n,) if columns else ()
    inputs = [bytes_of(rng, np.uint8, 2, queries, WIDTH), bytes_of(rng, dtype, WIDTH, n), numbers(rng, n),
              np.float32(0.02), (0.005 * rng.random(size) + 0.005).astype(np.float32)]
    return inputs, [np.uint8(130), rng.integers(-3, 4, size).astype(np.int8).view(dtype)]


def cases(rng):
    for dtype in (np.uint8, np.int8):
        for columns in (False, True):
            name = f"{np.dtype(dtype)}{'_columns' * columns}"
            for causal in (0, 1):
                attributes = {"num_heads": HEADS, "unidirectional": causal}
                inputs, zeros = projected(rng, dtype, columns, 5)
                zeros[1] = zeros[1] % 7
                yield Case(f"plain_{name}{'_causal' * causal}", arrays(inputs + [None] + zeros), 2, attributes,
                           (1, 2, 4, 7) if columns else ())
            inputs, _ = projected(rng, dtype, columns, 4)
            yield Case(f"no_zeros_{name}", arrays(inputs), 1, {"num_heads": HEADS})
    for past in (0, 3):
        for form, mask in masks(rng, 2, 4, past + 4):
            if form == "cumulated":
                continue
            old = numbers(rng, 2, 2, HEADS, past, SIZE) if past else None
            inputs, zeros = projected(rng, np.int8, True, 4)
            inputs += [mask, *zeros, old] if past else [mask, *zeros]
            yield Case(f"past{past}_{form}", arrays(inputs), 2, {"num_heads": HEADS})
    inputs, zeros = projected(rng, np.int8, False, 4)
    yield Case("scale_and_filter", arrays(inputs + [np.array([2, 3], np.int32)] + zeros), 1,
               {"num_heads": HEADS, "scale": 0.3, "mask_filter_value": -2.5})
