# SPDX-License-Identifier: Apache-2.0
"""What a file in cases/ yields: one node with its inputs."""
import dataclasses

import numpy as np


def numbers(rng, *shape, dtype=np.float32):
    """Eighths between -2 and 2: random, yet small in an archive."""
    return (rng.integers(-16, 17, shape) / 8).astype(dtype)


@dataclasses.dataclass
class Case:
    """One call of an operator.

    name: of the folder; lower case and underscores.
    inputs: numpy arrays, None where an optional input is left out.
    outputs: how many, or a list that says of each whether it is wanted.
    attributes: of the node, as onnx.helper.make_node takes them.
    constant: indices of inputs that become initializers.
    expected: the outputs, where ONNX Runtime has no kernel for the CPU: computed by the case file
        from the documentation of the operator.
    version: of the operator's domain; None: 17 of "", 1 of others.
    types: of outputs (index: numpy type) that ONNX Runtime does not infer.
    rtol, atol: of the comparison; half precision and integer rounding need more than the defaults.
    """

    name: str
    inputs: list
    outputs: int | list = 1
    attributes: dict = dataclasses.field(default_factory=dict)
    constant: tuple = ()
    expected: list | None = None
    version: int | None = None
    types: dict = dataclasses.field(default_factory=dict)
    rtol: float = 1e-4
    atol: float = 1e-5
