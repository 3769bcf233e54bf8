# SPDX-License-Identifier: Apache-2.0
"""QLinearGlobalAveragePool: both layouts, 1 to 3 dimensions, means that end half way."""
import numpy as np
from case import Case
from quantised import arrays, bytes_of


def cases(rng):
    for dtype in (np.uint8, np.int8):
        for last in (0, 1):
            for batch, channels, spatial in [(1, 3, (5, 7)), (2, 70, (2, 2)), (1, 66, (4,)), (2, 1, (2, 3, 3))]:
                shape = (batch, *spatial, channels) if last else (batch, channels, *spatial)
                for kind, x_scale, y_scale in (("", 0.5, 0.5), ("_uneven", 0.0431, 0.0317)):
                    inputs = [bytes_of(rng, dtype, *shape), np.float32(x_scale), bytes_of(rng, dtype), np.float32(y_scale),
                              bytes_of(rng, dtype)]
                    name = "x".join(map(str, shape))
                    yield Case(f"{name}_{np.dtype(dtype)}{kind}{'_last' * last}", arrays(inputs), 1,
                               {"channels_last": last})
