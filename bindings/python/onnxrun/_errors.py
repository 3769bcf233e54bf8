# SPDX-License-Identifier: Apache-2.0
"""The exceptions, by the names that ONNX Runtime gives them.

All are an :class:`Error`, and where Python has a class for the matter also one of that, so that
``except ValueError`` or ``except FileNotFoundError`` means what it says.
"""
from __future__ import annotations


class Error(Exception):
    """What every error of onnxrun is; its text says what, got, expected, and how to mend it."""


class Fail(Error, RuntimeError):
    """A limit was exceeded, or the run was stopped."""


class InvalidArgument(Error, ValueError):
    """A name, type, shape or value that the model cannot take."""


class NoSuchFile(Error, FileNotFoundError):
    """A file that cannot be opened, mapped, read or written."""


class NoModel(Error, RuntimeError):
    """There is no model; for programs that catch it, never raised."""


class EngineError(Error, RuntimeError):
    """For programs that catch it, never raised."""


class RuntimeException(Error, RuntimeError):
    """A bug in onnxrun; please report it."""


class OutOfMemory(RuntimeException, MemoryError):
    """No memory, or the session's cap is reached."""


class InvalidProtobuf(Error, ValueError):
    """The bytes are no ONNX protobuf."""


class ModelLoaded(Error, RuntimeError):
    """For programs that catch it, never raised."""


class Unsupported(Error, NotImplementedError):
    """The model is right, and this engine cannot run it."""


class InvalidGraph(Error, ValueError):
    """The model breaks the ONNX specification."""


class EPFail(Error, RuntimeError):
    """For programs that catch it, never raised."""


# The class of each onnxrun_status; the core raises by it.
BY_STATUS: dict[int, type[Error]] = {
    1: InvalidArgument,
    10: NoSuchFile,
    11: InvalidProtobuf,
    12: InvalidGraph,
    20: Unsupported,
    30: InvalidArgument,
    40: InvalidArgument,
    50: OutOfMemory,
    51: Fail,
    60: Fail,
    90: RuntimeException,
}
