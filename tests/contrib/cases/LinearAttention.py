# SPDX-License-Identifier: Apache-2.0
"""LinearAttention: rules, shared heads, forms of decay and beta, states, windows, half precision.

ONNX Runtime's CPU kernel takes float32 without a window; the rest follows from that: the state after
each token is the last state of a shorter sequence, and half precision rounds what float32 gives."""
import numpy as np
from case import Case


def recurrence(rule, q, k, v, heads, past, decay, beta, scale):
    """Output and the states after each token, in float64, from the documented formula."""
    b, t, _ = q.shape
    hq, hk, h = heads
    dk, dv = q.shape[2] // hq, v.shape[2] // h
    q4, k4, v4 = (x.astype(np.float64).reshape(b, t, n, -1) for x, n in ((q, hq), (k, hk), (v, h)))
    state = np.zeros((b, h, dk, dv)) if past is None else past.astype(np.float64)
    k4 = np.repeat(k4, h // hk, axis=2)
    readers = max(hq, h)
    out, states = np.zeros((b, t, readers, dv)), []
    for i in range(t):
        if "gated" in rule:
            state = state * np.exp(decay[:, i].astype(np.float64).reshape(b, h, -1))[..., None]
        u = v4[:, i]
        if "delta" in rule:
            u = beta[:, i].astype(np.float64)[..., None] * (u - np.einsum("bhdm,bhd->bhm", state, k4[:, i]))
        state = state + k4[:, i][..., None] * u[:, :, None, :]
        seen = np.repeat(state, readers // h, axis=1)
        asked = np.repeat(q4[:, i], readers // hq, axis=1)
        out[:, i] = np.einsum("bnd,bndm->bnm", asked, seen) * (scale or dk ** -0.5)
        states.append(state)
    return out.reshape(b, t, readers * dv), states


def cases(rng):
    b, dk, dv = 2, 3, 2
    for number, rule in enumerate(("linear", "gated", "delta", "gated_delta")):
        all_heads = ((2, 2, 2), (4, 2, 2), (2, 1, 1), (2, 2, 4))
        for hq, hk, h in all_heads if rule == "gated_delta" else all_heads[number:number + 1]:
            for dtype, t, window in ((np.float32, 5, 0), (np.float32, 1, 0), (np.float32, 3, 4),
                                     (np.float16, 4, 2)):
                q, k = (rng.standard_normal((b, t, n * dk)).astype(dtype) / 2 for n in (hq, hk))
                v = rng.standard_normal((b, t, h * dv)).astype(dtype)
                wide = (number + hq + t) % 2
                decay = (-rng.random((b, t, h * (dk if wide else 1)))).astype(dtype)
                beta = rng.random((b, t, h if wide else 1)).astype(dtype)
                past = rng.standard_normal((b, h, dk, dv)).astype(np.float32) if hq != 4 else None
                scale = 0.7 if t == 1 else 0.0
                given = None if past is None else past
                attributes = {"update_rule": rule, "q_num_heads": hq, "kv_num_heads": h,
                              "scale": scale}
                expected = None
                if window or dtype == np.float16:
                    out, states = recurrence(rule, q, k, v, (hq, hk, h), past, decay, beta, scale)
                    kind = np.float32 if past is not None else dtype
                    slots = [np.zeros_like(states[0])] * max(0, window - t) + states[-window:]
                    expected = [out.astype(dtype), np.stack(slots).astype(kind)]
                    attributes["state_window"] = window
                    if past is not None:
                        given = np.stack([rng.standard_normal(past.shape).astype(np.float32)]
                                         * (window - 1) + [past])
                name = f"{rule}_q{hq}_k{hk}_v{h}_{np.dtype(dtype)}_t{t}" + f"_window{window}" * (window > 0)
                inputs = [q, k, v, given, decay if "gated" in rule else None,
                          beta if "delta" in rule else None]
                while inputs[-1] is None:
                    inputs.pop()
                rtol = 1e-4 if dtype == np.float32 else 4e-3
                yield Case(name, inputs, 2, attributes, rtol=rtol, atol=rtol / 10,
                           expected=expected)
