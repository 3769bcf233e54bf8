# SPDX-License-Identifier: Apache-2.0
"""FeatureVectorizer: cut off and filled up, rank 1, types."""
import numpy as np

from case import Case, numbers

DOMAIN = "ai.onnx.ml"


def cases(rng):
    x, y = numbers(rng, 3, 4), numbers(rng, 3, 2)
    for dtype in (np.float32, np.float64, np.int64, np.int32):
        yield Case(np.dtype(dtype).name, [x.astype(dtype), y.astype(dtype)], 1,
                   {"inputdimensions": [3, 4]})
    yield Case("one_row", [x[0], y[0]], 1, {"inputdimensions": [4, 2]})
