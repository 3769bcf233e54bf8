# SPDX-License-Identifier: Apache-2.0
"""onnxrun: run ONNX models of the Transformer family on a CPU.

    import numpy as np
    import onnxrun

    session = onnxrun.InferenceSession("model.onnx")
    ids = np.array([[101, 7592, 102]])
    hidden, = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})

The names are those of ONNX Runtime, so that ``import onnxrun as onnxruntime`` is enough for most
programs; ``python -m onnxrun.as_onnxruntime program.py`` runs those that are not to be changed.
"""
from __future__ import annotations

import platform
import sys
from typing import Any

import numpy

from onnxrun import _core
from onnxrun._binding import IOBinding
from onnxrun._errors import (
    EngineError,
    EPFail,
    Error,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    ModelLoaded,
    NoModel,
    NoSuchFile,
    OutOfMemory,
    RuntimeException,
    Unsupported,
)
from onnxrun._inspect import explain, memory_needed
from onnxrun._logging import (
    disable_telemetry_events,
    enable_telemetry_events,
    set_default_logger_severity,
    set_default_logger_verbosity,
)
from onnxrun._options import (
    ExecutionMode,
    ExecutionOrder,
    GraphOptimizationLevel,
    Limits,
    RunOptions,
    SessionOptions,
)
from onnxrun._session import InferenceSession, get_available_providers, set_seed
from onnxrun._values import ModelMetadata, NodeArg, OrtDevice, OrtValue
from onnxrun._watch import Step, every

__version__: str = _core.version()

NotImplemented = Unsupported  # the name that ONNX Runtime gives it
get_all_providers = get_available_providers
SessionIOBinding = IOBinding  # ONNX Runtime's own, beneath the class IOBinding


def get_device() -> str:
    """What computes: "CPU"."""
    return "CPU"


def get_version_string() -> str:
    return __version__


def get_build_info() -> str:
    return f"onnxrun {__version__}"


def has_collective_ops() -> bool:
    """False: there is one process."""
    return False


def preload_dlls(cuda: bool = True, cudnn: bool = True, msvc: bool = True,
                 directory: Any = None) -> None:
    """Without effect: nothing but the package itself is loaded."""


def print_debug_info() -> None:
    """Prints the versions of what a report of a problem is to name."""
    print(f"onnxrun {__version__}, numpy {numpy.__version__}, Python {sys.version}, "
          f"{platform.platform()}")


__all__ = [
    "EPFail", "EngineError", "Error", "ExecutionMode", "ExecutionOrder", "Fail",
    "GraphOptimizationLevel", "IOBinding", "InferenceSession", "InvalidArgument", "InvalidGraph",
    "InvalidProtobuf", "Limits", "ModelLoaded", "ModelMetadata", "NoModel", "NoSuchFile", "NodeArg",
    "NotImplemented", "OrtDevice", "OrtValue", "OutOfMemory", "RunOptions", "RuntimeException",
    "SessionIOBinding", "SessionOptions", "Step", "Unsupported", "__version__",
    "disable_telemetry_events", "enable_telemetry_events", "every", "explain", "get_all_providers",
    "get_available_providers", "get_build_info", "get_device", "get_version_string",
    "has_collective_ops", "memory_needed", "preload_dlls", "print_debug_info",
    "set_default_logger_severity", "set_default_logger_verbosity", "set_seed",
]
