# SPDX-License-Identifier: Apache-2.0
"""What becomes of a model, and what it costs."""
from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Union

from onnxrun import _core
from onnxrun._errors import InvalidArgument
from onnxrun._options import whole

STAGES = ("model", "graph", "program", "plan", "passes")  # by number: onnxrun_stage
Path = Union[str, "os.PathLike[str]"]


def explain(path: Path, stage: str = "passes", dims: Mapping[str, int] | None = None,
            as_json: bool = False) -> str:
    """One stage of a model on its way to a run, as text or JSON; the command onnxdump prints it.

    Args:
        path: of the model file.
        stage: "model" (the file), "passes" (fusions, near misses, what is not supported, and the
            kernels and types that a run for the dims computes with), "graph" (what the passes led
            to), "program" (operators and weights) or "plan" (steps and memory for the dims).
        dims: numbers for dimensions by their names, "INPUT/AXIS" for those without one, for the
            kernels and the plan; 1 for those that are not given.
        as_json: JSON instead of text.
    """
    if stage not in STAGES:
        raise InvalidArgument(f'the stage is "{stage}", expected one of {", ".join(STAGES)}')
    given = {str(name): whole(f'dimension "{name}"', value, 2**63 - 1)
             for name, value in (dims or {}).items()}
    return _core.describe(os.fsencode(path), STAGES.index(stage), int(as_json),
                          [name.encode() for name in given], list(given.values()))


def memory_needed(path: Path, dims: Mapping[str, int] | None = None) -> int:
    """Bytes that the intermediate values of a run take for these numbers of symbolic dimensions."""
    plan = json.loads(explain(path, "plan", dims, as_json=True))
    return int(plan["slab_bytes"])
