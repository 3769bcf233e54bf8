# SPDX-License-Identifier: Apache-2.0
"""CausalConvWithState: activations, bias, states, dilation, layouts, windows, half precision.

ONNX Runtime's CPU kernel takes float32 without a window; the others have the documented formula."""
import numpy as np
from case import Case


def formula(x, weight, bias, past, dilation, window, silu):
    """Output and states for the layout [B, C, L], in float64."""
    length, taps = x.shape[2], weight.shape[2]
    state = (taps - 1) * dilation
    past = np.zeros(x.shape[:2] + (state,)) if past is None else past
    row = np.concatenate([past, x], axis=2).astype(np.float64)
    y = sum(weight[:, 0, j, None].astype(np.float64) * row[:, :, j * dilation:j * dilation + length]
            for j in range(taps))
    y = y if bias is None else y + bias[:, None].astype(np.float64)
    slots = [row[:, :, n:n + state] if n > 0 else np.zeros_like(row[:, :, :state])
             for n in range(length + 1 - max(window, 1), length + 1)]
    return y / (1 + np.exp(-y)) if silu else y, np.stack(slots) if window else slots[0]


def cases(rng):
    number = 0
    for dtype in (np.float32, np.float16):
        for taps, dilation, length in ((4, 1, 6), (4, 1, 1), (3, 2, 2), (1, 1, 3), (2, 3, 7)):
            for last, window in ((0, 0), (1, 0), (0, 3), (1, 2)):
                number += 1
                activation = ("none", "silu", "swish")[number % 3]
                state = (taps - 1) * dilation
                x = rng.standard_normal((2, 4, length)).astype(dtype)
                weight = rng.standard_normal((4, 1, taps)).astype(dtype)
                bias = rng.standard_normal(4).astype(dtype) if number % 2 else None
                past = rng.standard_normal((2, 4, state)).astype(dtype) if number % 4 < 2 else None

                def lay(a, last=last):
                    if not last:
                        return a
                    a = np.swapaxes(a, -1, -2)
                    return np.ascontiguousarray(a.reshape(a.shape[:-1] + (2, 2)))

                expected = None
                if window or dtype == np.float16:
                    y, present = formula(x, weight, bias, past, dilation, window,
                                         activation != "none")
                    expected = [lay(y).astype(dtype), lay(present).astype(dtype)]
                given = past
                if past is not None and window:
                    given = np.stack([rng.standard_normal(past.shape).astype(dtype)] * (window - 1)
                                     + [past])
                inputs = [lay(x), weight, bias, None if given is None else lay(given)]
                while inputs[-1] is None:
                    inputs.pop()
                attributes = {"activation": activation, "dilation": dilation,
                              "channels_last": last, "state_window": window}
                name = f"{np.dtype(dtype)}_k{taps}_d{dilation}_t{length}_{activation}"
                name += "_last" * last + f"_window{window}" * (window > 0)
                rtol = 1e-4 if dtype == np.float32 else 4e-3
                yield Case(name, inputs, 2, attributes, rtol=rtol, atol=rtol / 10,
                           expected=expected)
