# SPDX-License-Identifier: Apache-2.0
"""What a file in cases/ yields: one node with its inputs."""
import dataclasses


@dataclasses.dataclass
class Case:
    """One call of an operator.

    name: of the folder; lower case and underscores.
    inputs: numpy arrays, None where an optional input is left out.
    outputs: how many, or a list that says of each whether it is wanted.
    attributes: of the node, as onnx.helper.make_node takes them.
    constant: indices of inputs that become initializers.
    rtol, atol: of the comparison; half precision and integer rounding need more than the defaults.
    """

    name: str
    inputs: list
    outputs: int | list = 1
    attributes: dict = dataclasses.field(default_factory=dict)
    constant: tuple = ()
    rtol: float = 1e-4
    atol: float = 1e-5
