# SPDX-License-Identifier: Apache-2.0
"""CropAndResize: modes, boxes inside, outside and turned over, crops of one pixel."""
import numpy as np
from case import Case, numbers


def cases(rng):
    boxes = np.array([[0, 0, 1, 1], [0.25, 0.1, 0.8, 0.9], [-0.3, 0.2, 0.5, 1.2], [0.9, 1, 0.1, 0]],
                     np.float32)
    images = np.array([0, 1, 1, 0], np.int32)
    for mode in (None, "bilinear", "nearest"):
        for size in ((2, 3), (1, 4), (5, 1), (7, 6)):
            for constant in (False, True):
                inputs = [numbers(rng, 2, 3, 5, 4), boxes, images, np.array(size, np.int32)]
                attributes = {"mode": mode} if mode else {}
                attributes |= {"extrapolation_value": -7.5} if constant else {}
                yield Case(f"{mode}_{size[0]}_{size[1]}{'_constant' * constant}".lower(), inputs, 1,
                           attributes, constant=(3,) if constant else ())
