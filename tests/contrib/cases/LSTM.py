# SPDX-License-Identifier: Apache-2.0
"""LSTM: directions, states, lengths, peepholes, clipping and activations (float32 only in ORT)."""
import numpy as np
from case import Case

DOMAIN = ""


def inputs(rng, directions=1, steps=5, batch=3, size=3, hidden=4, given=""):
    """X, W and R, and of B, sequence_lens, initial_h, initial_c and P those whose letter is given.
    """
    def numbers(*shape):
        return (1.5 * rng.standard_normal(shape)).astype(np.float32)
    optional = [("b", lambda: numbers(directions, 8 * hidden)),
                ("l", lambda: rng.integers(0, steps + 1, batch).astype(np.int32)),
                ("h", lambda: numbers(directions, batch, hidden)),
                ("c", lambda: numbers(directions, batch, hidden)),
                ("p", lambda: numbers(directions, 3 * hidden))]
    arrays = [numbers(steps, batch, size), numbers(directions, 4 * hidden, size),
              numbers(directions, 4 * hidden, hidden)]
    arrays += [make() if letter in given else None for letter, make in optional]
    while arrays[-1] is None:
        arrays.pop()
    return arrays


def cases(rng):
    weights = (1, 2)
    for direction, directions in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
        for given in ("", "b", "bl", "bhc", "blhcp", "lp", "hp"):
            yield Case(f"{direction}_{given or 'plain'}", inputs(rng, directions, given=given), 3,
                       {"hidden_size": 4, "direction": direction},
                       weights if "b" in given else ())
    for clip in (0.3, 2.0):
        for forget in (0, 1):
            yield Case(f"clip_{clip}_forget_{forget}", inputs(rng, 2, given="bhcp"), 3,
                       {"hidden_size": 4, "direction": "bidirectional", "clip": clip,
                        "input_forget": forget}, weights)
    three = ["HardSigmoid", "Softsign", "Elu"]
    yield Case("activations", inputs(rng, given="b"), 3,
               {"hidden_size": 4, "activations": three, "activation_alpha": [0.3, 0.7],
                "activation_beta": [0.4]}, weights)
    yield Case("activations_by_direction", inputs(rng, 2, given="blh"), 3,
               {"hidden_size": 4, "direction": "bidirectional",
                "activations": ["Sigmoid", "Affine", "ScaledTanh", "HardSigmoid", "LeakyRelu",
                                "Softsign"],
                "activation_alpha": [0.5, 0.6, 0.2, 0.1],
                "activation_beta": [0.1, 0.9, 0.45]}, weights)
    yield Case("outputs_y_h", inputs(rng), [False, True], {"hidden_size": 4}, weights)
    yield Case("outputs_y_c", inputs(rng), [False, False, True], {"hidden_size": 4}, weights)
    yield Case("batch_1", inputs(rng, steps=9, batch=1, hidden=9, given="bp"), 3,
               {"hidden_size": 9}, weights)
