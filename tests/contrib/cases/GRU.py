# SPDX-License-Identifier: Apache-2.0
"""GRU: directions, states, lengths, both places of the reset gate, clipping and activations."""
import numpy as np
from case import Case

DOMAIN = ""


def inputs(rng, directions=1, steps=5, batch=3, size=3, hidden=4, given=""):
    """X, W and R, and of B, sequence_lens and initial_h those whose letter is given."""
    def numbers(*shape):
        return (1.5 * rng.standard_normal(shape)).astype(np.float32)
    optional = [("b", lambda: numbers(directions, 6 * hidden)),
                ("l", lambda: rng.integers(0, steps + 1, batch).astype(np.int32)),
                ("h", lambda: numbers(directions, batch, hidden))]
    arrays = [numbers(steps, batch, size), numbers(directions, 3 * hidden, size),
              numbers(directions, 3 * hidden, hidden)]
    arrays += [make() if letter in given else None for letter, make in optional]
    while arrays[-1] is None:
        arrays.pop()
    return arrays


def cases(rng):
    weights = (1, 2)
    for direction, directions in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
        for linear in (0, 1):
            for given in ("", "b", "bl", "blh", "h"):
                yield Case(f"{direction}_linear_{linear}_{given or 'plain'}",
                           inputs(rng, directions, given=given), 2,
                           {"hidden_size": 4, "direction": direction,
                            "linear_before_reset": linear}, weights if "b" in given else ())
    for linear in (0, 1):
        yield Case(f"clip_linear_{linear}", inputs(rng, given="bh"), 2,
                   {"hidden_size": 4, "clip": 0.5, "linear_before_reset": linear}, weights)
    yield Case("activations", inputs(rng, 2, given="b"), 2,
               {"hidden_size": 4, "direction": "bidirectional",
                "activations": ["HardSigmoid", "Softsign", "Sigmoid", "LeakyRelu"],
                "activation_alpha": [0.3, 0.05], "activation_beta": [0.45]}, weights)
    yield Case("outputs_y_h", inputs(rng), [False, True], {"hidden_size": 4}, weights)
    yield Case("batch_1", inputs(rng, steps=9, batch=1, hidden=9, given="b"), 2,
               {"hidden_size": 9}, weights)
