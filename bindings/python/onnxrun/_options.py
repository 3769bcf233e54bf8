# SPDX-License-Identifier: Apache-2.0
"""Options of sessions and runs."""
from __future__ import annotations

import os
from enum import IntEnum
from typing import Any, NamedTuple

from onnxrun._errors import InvalidArgument, Unsupported

MAX_THREADS = 256
SPIN_US = 1000  # where a session is told to spin and not how long


class GraphOptimizationLevel(IntEnum):
    """How far a model is rewritten: with DISABLE_ALL nodes are computed as the file has them."""

    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


class ExecutionMode(IntEnum):
    """Accepted and without effect: nodes run one after another, each on all threads."""

    ORT_SEQUENTIAL = 0
    ORT_PARALLEL = 1


class ExecutionOrder(IntEnum):
    """Accepted and without effect."""

    DEFAULT = 0
    PRIORITY_BASED = 1
    MEMORY_EFFICIENT = 2


class Limits(NamedTuple):
    """What a model may cost, of which more is refused; 0 takes the default."""

    file_bytes: int = 0  # of the file without external data (2 GiB - 1)
    parse_bytes: int = 0  # memory while the file is read (64 MiB or 16 times what is no weight)
    fold_bytes: int = 0  # of constants that are computed when it is loaded (64 MiB or 8 files)
    node_count: int = 0  # with the nodes of functions (4 million)
    name_bytes: int = 0  # of a name (64 KiB)
    loop_count: int = 0  # iterations of all loops of a run (2^31)


# Of Limits too, as many bits as the core has for each.
_LARGEST = {"spin_us": 1_000_000, "memory_bytes": 2**64 - 1, "seed": 2**64 - 1,
            "intra_op_num_threads": MAX_THREADS, "node_count": 2**32 - 1, "name_bytes": 2**32 - 1}


class SessionOptions:
    """What an InferenceSession is made with.

    Attributes that change what onnxrun does:
        intra_op_num_threads: threads of a run; 0 takes OMP_NUM_THREADS, else what the affinity mask
            and the cgroup allow.
        graph_optimization_level: see GraphOptimizationLevel.
        enable_profiling, profile_file_prefix: write a trace, see InferenceSession.end_profiling.
        memory_bytes: cap on the memory of the model, and again of each run; 0: none.
        seed: of random operators; 0 takes one from the operating system.
        keep_denormals: compute with numbers below 1.2e-38 instead of taking them for zero.
        spin_us: microseconds that threads look for work after a run before they sleep; they are
            sooner there for the next run, and take processors from other programs meanwhile.
        limits: see Limits.
        precision: "model", the types of the model, is the only one that there is.

    The other attributes of ONNX Runtime's class are kept and have no effect.
    """

    def __init__(self) -> None:
        self.intra_op_num_threads = 0
        self.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
        self.enable_profiling = False
        self.profile_file_prefix = "onnxrun_profile_"
        self.memory_bytes = 0
        self.seed = 0
        self.keep_denormals = False
        self.spin_us = 0
        self.limits = Limits()
        self.precision = "model"
        self.enable_cpu_mem_arena = True
        self.enable_mem_pattern = True
        self.enable_mem_reuse = True
        self.execution_mode = ExecutionMode.ORT_SEQUENTIAL
        self.execution_order = ExecutionOrder.DEFAULT
        self.inter_op_num_threads = 0
        self.log_severity_level = 2
        self.log_verbosity_level = 0
        self.logid = ""
        self.optimized_model_filepath = ""
        self.use_deterministic_compute = True
        self.use_per_session_threads = True
        self._entries: dict[str, str] = {}
        self._dimensions: dict[str, int] = {}
        self._providers: list[tuple[str, dict[str, str]]] = []
        self._is_made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _LARGEST:
            value = _whole(name, value, _LARGEST[name])
        elif name == "limits":
            value = _limits(value)
        elif name == "precision" and value != "model":
            raise Unsupported(f"precision is {value!r}: onnxrun computes in the types of the "
                              'model ("model"); export it in the type that you want')
        elif name == "optimized_model_filepath" and value:
            raise Unsupported("optimized_model_filepath: onnxrun does not write models; "
                                 "onnxrun.explain shows what became of one")
        elif hasattr(self, "_is_made") and not hasattr(self, name):
            raise AttributeError(f"SessionOptions has no attribute '{name}'")
        super().__setattr__(name, value)

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Keeps a setting by name. "session.set_denormal_as_zero" has an effect, and
        "session.intra_op.allow_spinning": with "1", spin_us becomes 1000, with "0" 0.
        """
        if key == "session.set_denormal_as_zero":
            self.keep_denormals = value == "0"
        elif key == "session.intra_op.allow_spinning":
            self.spin_us = SPIN_US if value == "1" else 0
        self._entries[str(key)] = str(value)

    def get_session_config_entry(self, key: str) -> str:
        if key not in self._entries:
            raise InvalidArgument(f'the session options have no entry "{key}"')
        return self._entries[key]

    def add_free_dimension_override_by_name(self, name: str, value: int) -> None:
        """Gives a number to the symbolic dimension of this name."""
        self._dimensions[str(name)] = _whole(f'dimension "{name}"', value, 2**63 - 1)

    def add_provider(self, provider: str, options: dict[str, str]) -> None:
        self._providers.append((provider, dict(options)))

    def has_providers(self) -> bool:
        return bool(self._providers)

    def add_initializer(self, name: str, ortvalue: Any) -> None:
        raise Unsupported(f'initializer "{name}": pass it as an input of run, if the model '
                             "declares it as one")

    def register_custom_ops_library(self, path: str | os.PathLike[str]) -> None:
        raise Unsupported(f"{os.fspath(path)}: onnxrun has no operators from libraries")


def _whole(name: str, value: Any, largest: int) -> int:
    """The value as an int from 0 to largest."""
    try:
        number = value.__index__()
    except AttributeError:
        raise TypeError(f"{name} is {value!r}, expected an int") from None
    if not 0 <= number <= largest:
        raise InvalidArgument(f"{name} is {number}, expected 0 to {largest}")
    return int(number)


def _limits(limits: Any) -> Limits:
    """The limits, if they are some."""
    if not isinstance(limits, Limits):
        raise TypeError(f"limits is {limits!r}, expected onnxrun.Limits(...)")
    return Limits(*(_whole(name, value, _LARGEST.get(name, 2**64 - 1))
                    for name, value in limits._asdict().items()))


class RunOptions:
    """What one run is done with.

    Attributes:
        terminate: set it to True, from any thread, to end the runs that have these options; they
            raise Fail within a tenth of a second or the time of one node.

    The other attributes of ONNX Runtime's class are kept and have no effect.
    """

    def __init__(self) -> None:
        self.terminate = False
        self.log_severity_level = 2
        self.log_verbosity_level = 0
        self.logid = ""
        self.only_execute_path_to_fetches = False
        self.training_mode = False
        self._entries: dict[str, str] = {}

    def add_run_config_entry(self, key: str, value: str) -> None:
        self._entries[str(key)] = str(value)

    def get_run_config_entry(self, key: str) -> str:
        if key not in self._entries:
            raise InvalidArgument(f'the run options have no entry "{key}"')
        return self._entries[key]
