# SPDX-License-Identifier: Apache-2.0
"""SkipGroupNorm: the forms of skip, bias and the sum given and left out, layouts.

ONNX Runtime has no kernel for the CPU: computed from the documentation."""
import numpy as np
from case import Case, numbers
from cases.GroupNorm import normalise


def cases(rng):
    for dtype in (np.float32, np.float16):
        for last in (1, 0):
            shape = (2, 3, 5, 4) if last else (2, 4, 3, 5)
            single = (2, 1, 1, 4) if last else (2, 4, 1, 1)
            for form in (shape, single, (2, 4)):
                for bias in (False, True):
                    x, skip = numbers(rng, *shape, dtype=dtype), numbers(rng, *form, dtype=dtype)
                    inputs = [x, numbers(rng, 4), numbers(rng, 4), skip]
                    addend = np.zeros(4, dtype)
                    if bias:
                        addend = numbers(rng, 4, dtype=dtype)
                        inputs.append(addend)
                    wide = skip.reshape(single) if len(form) == 2 else skip
                    s = x + wide + (addend if last else addend.reshape(1, 4, 1, 1))
                    y = normalise(s, inputs[1], inputs[2], 2, bias, last, 1e-5)
                    rtol = 1e-4 if dtype == np.float32 else 2e-3
                    name = f"{np.dtype(dtype)}_{'x'.join(map(str, form))}{'_bias' * bias}"
                    wanted = [y.astype(dtype)] if form == single else [y.astype(dtype), s]
                    yield Case(name, inputs, len(wanted),
                               {"groups": 2, "activation": int(bias), "channels_last": last},
                               expected=wanted, rtol=rtol, atol=rtol / 10)
