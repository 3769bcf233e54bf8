# SPDX-License-Identifier: Apache-2.0
"""Inputs that the core cannot borrow as they are, outputs that numpy has no type for.

The core itself takes contiguous, aligned arrays of the declared type. Everything else comes here:
it is converted when no value can change by that, and refused with words otherwise.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn, Union

import numpy as np

from onnxrun import _dtypes
from onnxrun._errors import InvalidArgument
from onnxrun._values import Description, Kind, OrtValue, describe

# What the core binds: (type, array), (STRING, shape, [bytes]), or (type, [one of these, ...]).
Prepared = Union["tuple[int, np.ndarray[Any, Any]]", "tuple[int, tuple[int, ...], list[bytes]]",
                 "tuple[int, list[Any]]"]

MAX_RANK = 16


def to_input(value: Any, declared: Description) -> Prepared | None:
    """What the core binds for the value; None for an optional without element."""
    name, kind, dtype = declared[:3]
    if isinstance(value, OrtValue):
        value = value._value
    if value is None:
        if kind not in (Kind.OPTIONAL, Kind.OPTIONAL_SEQUENCE):
            raise InvalidArgument(f'input "{name}" is None, expected {describe(declared)}')
        return None
    if kind in (Kind.SEQUENCE, Kind.OPTIONAL_SEQUENCE):
        if not isinstance(value, (list, tuple)):
            raise InvalidArgument(f'input "{name}" is a {type(value).__name__}, expected a list of '
                                  f'arrays: it is a {describe(declared)}')
        return dtype, [_tensor(item, f'item {i} of input "{name}"', dtype, declared)
                       for i, item in enumerate(value)]
    return _tensor(value, f'input "{name}"', dtype, declared)


def _tensor(value: Any, what: str, dtype: int, declared: Description) -> Prepared:
    array = _array(value, what, dtype, declared)
    if array.ndim > MAX_RANK:
        raise InvalidArgument(f"{what} has rank {array.ndim}, at most {MAX_RANK} is supported")
    if declared[3] == () and array.size == 1:
        array = array.reshape(())
    if dtype == _dtypes.STRING:
        return dtype, array.shape, _strings(array, what)
    got = _dtypes.number_of(array.dtype)
    if got == dtype:
        return dtype, _dtypes.to_carrier(array, dtype)
    wanted = _dtypes.numpy_dtype(dtype)
    if array.dtype == wanted:  # bytes in place of a type that only ml_dtypes has
        return dtype, np.require(array, wanted, ["C", "A"]).reshape(array.shape)
    extended = _dtypes.BY_NUMBER[dtype].extended
    remedy = f'convert it with numpy.asarray(value, "{wanted.name}")'
    if extended not in ("", wanted.name):
        remedy = f"install ml_dtypes, which has {extended}, or pass its bytes as {wanted.name}"
    raise InvalidArgument(f"{what} is {array.dtype.name}, expected {wanted.name}: it is "
                          f"{describe(declared)}; {remedy}")


def _array(value: Any, what: str, dtype: int, declared: Description) -> np.ndarray[Any, Any]:
    """The value as an array; lists and numbers take the declared type."""
    if isinstance(value, OrtValue):
        value = value._value
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    try:
        if hasattr(value, "__dlpack__"):
            return np.from_dlpack(value)
        if hasattr(value, "__array__"):
            return np.asarray(value)
        if dtype == _dtypes.STRING:
            return np.array(value, dtype=object)
        array = np.array(value)
        return np.array(value, _dtypes.numpy_dtype(dtype)) if _holds(dtype, array) else array
    except Exception as error:
        raise InvalidArgument(f"{what} cannot be made an array of it, {describe(declared)}: "
                              f"{type(value).__name__}: {error}") from error


def _holds(dtype: int, array: np.ndarray[Any, Any]) -> bool:
    """Whether the type has such numbers: no fractions become integers, no integers truth values."""
    wanted = _dtypes.BY_NUMBER[dtype]
    if wanted.extended and _dtypes.numpy_dtype(dtype).name == wanted.carrier:
        return False  # only the bytes of a type of ml_dtypes, which is missing
    name = wanted.extended or wanted.carrier
    kinds = next(kinds for start, kinds in (("bool", "b"), ("int", "bui"), ("uint", "bui"),
                                            ("complex", "buifc"), ("", "buif"))
                 if name.startswith(start))
    return array.size == 0 or array.dtype.kind in kinds


def _strings(array: np.ndarray[Any, Any], what: str) -> list[bytes]:
    """The elements as bytes."""
    if array.dtype.kind not in "OUST":
        raise InvalidArgument(f"{what} is {array.dtype.name}, expected strings: "
                              "an array of str, or of dtype object with str in it")
    encoded: list[bytes] = []
    for i, text in enumerate(array.ravel().tolist()):
        if isinstance(text, bytes):
            encoded.append(text)
        elif isinstance(text, str):
            try:
                encoded.append(text.encode("utf-8", "surrogateescape"))
            except UnicodeEncodeError as error:
                raise InvalidArgument(f"{what}: element {i} is no text: {error}") from error
        else:
            raise InvalidArgument(f"{what}: element {i} is {type(text).__name__}, expected str")
    return encoded


def to_output(dtype: int, shape: tuple[int, ...], raw: Any) -> np.ndarray[Any, Any]:
    """The array of an output: of its bytes, or of a list of str."""
    if dtype != _dtypes.STRING:
        return _dtypes.from_carrier(raw, dtype)
    array = np.empty(len(raw), dtype=object)
    array[:] = raw
    return array.reshape(shape)


def unknown_name(what: str, name: Any, declared: Sequence[Description]) -> NoReturn:
    """Raises for a name that is none, or for more names than there are."""
    names = ", ".join(description[0] for description in declared) or "none"
    if isinstance(name, dict):
        known = {description[0] for description in declared}
        name = next(key for key in name if key not in known)
    shown = f'"{name}"' if isinstance(name, str) else repr(name)
    raise InvalidArgument(f"the model has no {what} {shown}; its {what}s are: {names}")
