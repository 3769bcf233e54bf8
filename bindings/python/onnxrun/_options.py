# SPDX-License-Identifier: Apache-2.0
"""Options of sessions and runs."""
from __future__ import annotations

import os
from collections.abc import Sequence
from enum import Enum, IntEnum
from typing import Any, NamedTuple

import numpy as np

from onnxrun._errors import InvalidArgument, Unsupported

MAX_THREADS = 256
SPIN_US = 1000  # where a session is told to spin and not how long


class _Choice(IntEnum):
    """Numbers that show their names, as those of ONNX Runtime do."""

    __str__ = Enum.__str__


class GraphOptimizationLevel(_Choice):
    """How far a model is rewritten: with DISABLE_ALL nodes are computed as the file has them."""

    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


class ExecutionMode(_Choice):
    """Accepted and without effect: nodes run one after another, each on all threads."""

    ORT_SEQUENTIAL = 0
    ORT_PARALLEL = 1


class ExecutionOrder(_Choice):
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
            "node_count": 2**32 - 1, "name_bytes": 2**32 - 1}


class _Options:
    """Attributes that are there from the beginning and keep their types; entries by name."""

    def __init__(self) -> None:
        self._entries: dict[str, str] = {}
        self._is_made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(self, "_is_made"):
            if not hasattr(self, name):
                raise AttributeError(f"{type(self).__name__} has no attribute '{name}'")
            value = _checked(name, getattr(self, name), value)
        super().__setattr__(name, value)

    def _entry(self, key: str) -> str:
        if key not in self._entries:
            raise InvalidArgument(f'{type(self).__name__} has no entry "{key}"')
        return self._entries[key]


class SessionOptions(_Options):
    """What an InferenceSession is made with.

    Attributes that change what onnxrun does:
        intra_op_num_threads: threads of a run, of which more than 256 count as 256; 0 or less takes
            OMP_NUM_THREADS, else what the affinity mask and the cgroup allow.
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
        self.log_severity_level = -1
        self.log_verbosity_level = 0
        self.logid = ""
        self.optimized_model_filepath = ""
        self.use_deterministic_compute = True
        self.use_per_session_threads = True
        self._dimensions: dict[str, int] = {}
        self._providers: list[tuple[str, dict[str, str]]] = []
        super().__init__()

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "precision" and value != "model":
            raise Unsupported(f"precision is {value!r}: onnxrun computes in the types of the "
                              'model ("model"); export it in the type that you want')
        if name == "optimized_model_filepath" and value:
            raise Unsupported("optimized_model_filepath: onnxrun does not write models; "
                              "onnxrun.explain shows what became of one")
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
        return self._entry(key)

    def add_free_dimension_override_by_name(self, name: str, value: int) -> None:
        """Gives a number to the symbolic dimension of this name."""
        self._dimensions[str(name)] = whole(f'dimension "{name}"', value, 2**63 - 1)

    def add_free_dimension_override_by_denotation(self, denotation: str, value: int) -> None:
        raise Unsupported(f'denotation "{denotation}": onnxrun knows dimensions by their names, '
                          "use add_free_dimension_override_by_name")

    def add_provider(self, provider: str, options: dict[str, str]) -> None:
        self._providers.append((provider, dict(options)))

    def has_providers(self) -> bool:
        return bool(self._providers)

    def add_initializer(self, name: str, ortvalue: Any) -> None:
        raise Unsupported(f'initializer "{name}": pass it as an input of run, if the model '
                          "declares it as one")

    def add_external_initializers(self, names: Sequence[str], ortvalues: Sequence[Any]) -> None:
        raise Unsupported(f"initializers {', '.join(names)}: onnxrun finds external data beside "
                          "the model, so pass the path of the model")

    def register_custom_ops_library(self, path: str | os.PathLike[str]) -> None:
        raise Unsupported(f"{os.fspath(path)}: onnxrun has no operators from libraries")


def _checked(name: str, old: Any, value: Any) -> Any:
    """The value as one of the type of the old one, if it can be that."""
    if name in _LARGEST:
        return whole(name, value, _LARGEST[name])
    if isinstance(old, Limits):
        return _limits(value)
    if isinstance(old, IntEnum):
        if value not in tuple(type(old)):
            raise TypeError(f"{name} is {value!r}, expected a {type(old).__name__}")
        return type(old)(value)
    if isinstance(old, bool):
        if not isinstance(value, (bool, np.bool_)) and value not in (0, 1):
            raise TypeError(f"{name} is {value!r}, expected True or False")
        return bool(value)
    if isinstance(old, int):
        return _integer(name, value)
    if isinstance(old, str) and not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}, expected a str")
    return value


def _integer(name: str, value: Any) -> int:
    try:
        return int(value.__index__())
    except AttributeError:
        raise TypeError(f"{name} is {value!r}, expected an int") from None


def whole(name: str, value: Any, largest: int) -> int:
    """The value as an int from 0 to largest."""
    number = _integer(name, value)
    if not 0 <= number <= largest:
        raise InvalidArgument(f"{name} is {number}, expected 0 to {largest}")
    return number


def _limits(limits: Any) -> Limits:
    """The limits, if they are some."""
    if not isinstance(limits, Limits):
        raise TypeError(f"limits is {limits!r}, expected onnxrun.Limits(...)")
    return Limits(*(whole(name, value, _LARGEST.get(name, 2**64 - 1))
                    for name, value in limits._asdict().items()))


class RunOptions(_Options):
    """What one run is done with.

    Attributes:
        terminate: set it to True, from any thread, to end the runs that have these options; they
            raise Fail within a tenth of a second or the time of one node.

    The other attributes of ONNX Runtime's class are kept and have no effect.
    """

    def __init__(self) -> None:
        self.terminate = False
        self.log_severity_level = -1
        self.log_verbosity_level = 0
        self.logid = ""
        self.only_execute_path_to_fetches = False
        super().__init__()

    def add_run_config_entry(self, key: str, value: str) -> None:
        """Keeps a setting by name; none has an effect."""
        self._entries[str(key)] = str(value)

    def get_run_config_entry(self, key: str) -> str:
        return self._entry(key)

    def add_active_adapter(self, adapter: Any) -> None:
        raise Unsupported("onnxrun has no adapters: export the model with its adapter merged")
