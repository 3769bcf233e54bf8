# SPDX-License-Identifier: Apache-2.0
"""QEmbedLayerNormalization: types, with and without segments and mask, epsilon."""
import numpy as np
from case import Case
from quantised import arrays, bytes_of

from cases.EmbedLayerNormalization import BATCH, LENGTH, POSITIONS, SEGMENTS, WIDTH, WORDS


def operands(rng, dtype, segments=True, width=WIDTH, mask=None):
    """All inputs."""
    tables = [(WORDS, width), (POSITIONS, width), (SEGMENTS, width) if segments else None, (width,), (width,)]
    inputs = [rng.integers(0, WORDS, (BATCH, LENGTH)).astype(np.int32),
              rng.integers(0, SEGMENTS, (BATCH, LENGTH)).astype(np.int32) if segments else None]
    inputs += [None if shape is None else bytes_of(rng, dtype, *shape) for shape in tables]
    inputs.append(mask)
    inputs += [None if shape is None else np.float32(0.05 * rng.random() + 0.01) for shape in tables]
    inputs += [None if shape is None else bytes_of(rng, dtype) for shape in tables]
    return arrays(inputs)


def cases(rng):
    mask = np.array([[1, 1, 0], [1, 1, 1]], np.int32)
    for dtype in (np.uint8, np.int8):
        kind = np.dtype(dtype)
        yield Case(f"mask_{kind}", operands(rng, dtype, mask=mask), 2)
        yield Case(f"no_mask_{kind}", operands(rng, dtype), 2)
        yield Case(f"no_segments_{kind}", operands(rng, dtype, False, mask=mask), 2)
        yield Case(f"odd_width_{kind}", operands(rng, dtype, width=5), 2, {"epsilon": 0.5})
        yield Case(f"constant_tables_{kind}", operands(rng, dtype, mask=mask), 2, constant=tuple(range(2, 7)))
