# SPDX-License-Identifier: Apache-2.0
"""RNN: directions, states, lengths, clipping and every activation."""
import numpy as np
from case import Case

DOMAIN = ""


def inputs(rng, directions=1, steps=5, batch=3, size=3, hidden=4, given=""):
    """X, W and R, and of B, sequence_lens and initial_h those whose letter is given."""
    def numbers(*shape):
        return (0.7 * rng.standard_normal(shape)).astype(np.float32)
    optional = [("b", lambda: numbers(directions, 2 * hidden)),
                ("l", lambda: rng.integers(0, steps + 1, batch).astype(np.int32)),
                ("h", lambda: numbers(directions, batch, hidden))]
    arrays = [numbers(steps, batch, size), numbers(directions, hidden, size),
              numbers(directions, hidden, hidden)]
    arrays += [make() if letter in given else None for letter, make in optional]
    while arrays[-1] is None:
        arrays.pop()
    return arrays


def cases(rng):
    weights = (1, 2)
    for direction, directions in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
        for given in ("", "b", "bl", "blh", "h"):
            yield Case(f"{direction}_{given or 'plain'}", inputs(rng, directions, given=given), 2,
                       {"hidden_size": 4, "direction": direction},
                       weights if "b" in given else ())
    parameters = {"Affine": 2, "LeakyRelu": 1, "ThresholdedRelu": 1, "ScaledTanh": 2,
                  "HardSigmoid": 2, "Elu": 1, "Softsign": 0, "Softplus": 0, "Relu": 0,
                  "Sigmoid": 0, "Tanh": 0}
    for function, count in parameters.items():
        attributes = {"hidden_size": 4, "activations": [function], "clip": 3.0}
        if count > 0:
            attributes["activation_alpha"] = [0.6]
        if count > 1:
            attributes["activation_beta"] = [0.4]
        yield Case(f"activation_{function.lower()}", inputs(rng, given="bh"), 2, attributes,
                   weights)
    for function in ("LeakyRelu", "HardSigmoid", "Elu"):
        yield Case(f"default_{function.lower()}", inputs(rng), 2,
                   {"hidden_size": 4, "activations": [function]}, weights)
