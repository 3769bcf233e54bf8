# SPDX-License-Identifier: Apache-2.0
"""Element types: numbers of ONNX, numpy's types, and those of the package ml_dtypes."""
from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from onnxrun._errors import InvalidArgument

STRING = 8


class Dtype(NamedTuple):
    """An element type of ONNX."""

    number: int  # TensorProto.DataType
    name: str  # as in "tensor(float)"
    carrier: str  # numpy's type with the same bytes in memory
    extended: str = ""  # its name in ml_dtypes, when numpy has no such type


_TABLE = [
    Dtype(1, "float", "float32"),
    Dtype(2, "uint8", "uint8"),
    Dtype(3, "int8", "int8"),
    Dtype(4, "uint16", "uint16"),
    Dtype(5, "int16", "int16"),
    Dtype(6, "int32", "int32"),
    Dtype(7, "int64", "int64"),
    Dtype(STRING, "string", "object"),
    Dtype(9, "bool", "bool"),
    Dtype(10, "float16", "float16"),
    Dtype(11, "double", "float64"),
    Dtype(12, "uint32", "uint32"),
    Dtype(13, "uint64", "uint64"),
    Dtype(14, "complex64", "complex64"),
    Dtype(15, "complex128", "complex128"),
    Dtype(16, "bfloat16", "uint16", "bfloat16"),
    Dtype(17, "float8e4m3fn", "uint8", "float8_e4m3fn"),
    Dtype(18, "float8e4m3fnuz", "uint8", "float8_e4m3fnuz"),
    Dtype(19, "float8e5m2", "uint8", "float8_e5m2"),
    Dtype(20, "float8e5m2fnuz", "uint8", "float8_e5m2fnuz"),
    Dtype(21, "uint4", "uint8", "uint4"),
    Dtype(22, "int4", "int8", "int4"),
    Dtype(23, "float4e2m1", "uint8", "float4_e2m1fn"),
    Dtype(24, "float8e8m0", "uint8", "float8_e8m0fnu"),
    Dtype(25, "uint2", "uint8", "uint2"),
    Dtype(26, "int2", "int8", "int2"),
    Dtype(27, "float6e2m3", "uint8", "float6_e2m3fn"),
    Dtype(28, "float6e3m2", "uint8", "float6_e3m2fn"),
]
BY_NUMBER = {dtype.number: dtype for dtype in _TABLE}
_BY_NUMPY_NAME = {dtype.extended or dtype.carrier: dtype.number for dtype in _TABLE}

# numpy's type of the bytes of each number from 0 on, for the core.
CARRIERS = [np.dtype(BY_NUMBER[n].carrier) if n in BY_NUMBER else None for n in range(29)]

# These integers of less than a byte are sign-extended to one here, and not in ml_dtypes.
_SIGNED = ("int4", "int2")


@cache
def numpy_dtype(number: int) -> np.dtype[Any]:
    """numpy's type for the number; that of the bytes when it needs ml_dtypes and there is none."""
    dtype = BY_NUMBER[number]
    return _extended(dtype.extended) or np.dtype(dtype.carrier)


def _extended(name: str) -> np.dtype[Any] | None:
    if not name:
        return None
    try:
        import ml_dtypes
    except ImportError:
        return None
    return np.dtype(getattr(ml_dtypes, name)) if hasattr(ml_dtypes, name) else None


def dtype_of(element_type: Any) -> np.dtype[Any]:
    """numpy's type for one of its types or names, or the number of an ONNX type."""
    if isinstance(element_type, int):
        if element_type not in BY_NUMBER:
            raise InvalidArgument(f"{element_type} is not the number of an ONNX type")
        return numpy_dtype(element_type)
    dtype: np.dtype[Any] = np.dtype(element_type)
    return dtype


def number_of(dtype: np.dtype[Any]) -> int:
    """The number of numpy's type; 0 when ONNX has none."""
    if dtype.kind in "OUST":
        return STRING
    return _BY_NUMPY_NAME.get(dtype.name, 0)


def as_carrier(array: np.ndarray[Any, Any], number: int) -> np.ndarray[Any, Any] | None:
    """The bytes of a contiguous array as the core has them, in place; None when it cannot be."""
    dtype = BY_NUMBER[number]
    if number == STRING or dtype.extended in _SIGNED:
        return None
    return array.view(dtype.carrier) if dtype.extended else array


def to_carrier(array: np.ndarray[Any, Any], number: int) -> np.ndarray[Any, Any]:
    """The array with the bytes that the core wants: contiguous, aligned, in native order."""
    dtype = BY_NUMBER[number]
    if dtype.extended in _SIGNED:
        array = array.astype(np.int8)
    elif dtype.extended:
        array = np.ascontiguousarray(array).reshape(array.shape).view(dtype.carrier)
    plain: np.ndarray[Any, Any] = np.require(array, dtype.carrier, ["C", "A"])
    return plain.reshape(array.shape)


def from_carrier(array: np.ndarray[Any, Any], number: int) -> np.ndarray[Any, Any]:
    """The opposite, for an array that the core made."""
    dtype = numpy_dtype(number)
    if BY_NUMBER[number].extended in _SIGNED:
        return array.astype(dtype)
    return array.view(dtype)
