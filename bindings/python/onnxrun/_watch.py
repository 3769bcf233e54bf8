# SPDX-License-Identifier: Apache-2.0
"""What happens inside a run: the nodes, their time, their outputs."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from onnxrun._errors import InvalidArgument


class Step(NamedTuple):
    """A node that a run has computed. Nodes that fusions made have names and types of their own."""

    name: str  # "" when the file gives none
    op_type: str
    domain: str  # "" is ai.onnx
    depth: int  # 0: the main graph; 1: a body of one of its nodes
    output: str  # the name of its first output
    begin: float  # seconds, of the clock of time.perf_counter
    end: float
    flops: int  # floating-point operations of matrix products
    read_bytes: int
    written_bytes: int


class every(NamedTuple):
    """In the names of a run: the first output of every node of this type, as a dict by name."""

    op_type: str


class Weights:
    """Makes the arrays that a run fills with the weights of attention."""

    def __init__(self, is_mean: bool) -> None:
        self._is_mean = is_mean
        self.arrays: dict[str, Any] = {}

    def __call__(self, name: str, output: str, batch: int, heads: int, queries: int,
                 keys: int) -> Any:
        shape = (batch, queries, keys) if self._is_mean else (batch, heads, queries, keys)
        key = first = name or output
        repeats = 1
        while key in self.arrays:
            repeats += 1
            key = f"{first}:{repeats}"
        self.arrays[key] = np.zeros(shape, np.float32)
        return self.arrays[key]


class Collector:
    """An observer that keeps what names ask for beside the outputs of the model."""

    def __init__(self, names: list[Any], outputs: list[str]) -> None:
        self._outputs = outputs
        self._wanted = {name for name in names if isinstance(name, str)}
        self._types = {name.op_type for name in names if isinstance(name, every)}
        self._by_name: dict[str, Any] = {}
        self._by_type: dict[str, dict[str, Any]] = {kind: {} for kind in self._types}

    def __call__(self, *fields: Any) -> Callable[[list[Any]], None] | None:
        step = Step(*fields)
        if step.output in self._wanted or step.op_type in self._types:
            return lambda outputs: self._keep(step, outputs)
        return None

    def _keep(self, step: Step, outputs: list[Any]) -> None:
        first = next((output for output in outputs if output is not None), None)
        self._by_name[step.output] = first
        if step.op_type in self._types:
            self._by_type[step.op_type][step.output] = first

    def result(self, name: Any) -> Any:
        """What was kept for the name."""
        if isinstance(name, every):
            return self._by_type[name.op_type]
        if name not in self._by_name:
            raise InvalidArgument(
                f'the model has no output "{name}"; its outputs are: {", ".join(self._outputs)}; nor is '
                "it the first output of a node that ran: with graph_optimization_level "
                "ORT_DISABLE_ALL these are the nodes of the file")
        return self._by_name[name]
