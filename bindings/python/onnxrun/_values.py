# SPDX-License-Identifier: Apache-2.0
"""What goes into a model and comes out: descriptions of inputs and outputs, OrtValue, OrtDevice."""
from __future__ import annotations

from enum import IntEnum
from typing import Any, Optional, Union

import numpy as np

from onnxrun import _dtypes
from onnxrun._errors import InvalidArgument


class Kind(IntEnum):
    """What a value is: onnxrun_kind."""

    TENSOR = 0
    SEQUENCE = 1
    OPTIONAL = 2
    OPTIONAL_SEQUENCE = 3
    OTHER = 4


# name, kind, number of the element type, shape (None: not declared), whether it may be left out
Description = tuple[str, int, int, Optional[tuple[Union[int, str, None], ...]], bool]


def describe(declared: Description) -> str:
    """ "int64[batch, 3]", as messages say it."""
    _, kind, number, shape, _ = declared
    prefix = ("", "sequence of ", "optional ", "optional sequence of ", "")[kind]
    name = _dtypes.BY_NUMBER[number].name if number in _dtypes.BY_NUMBER else "undefined"
    if shape is None:
        return prefix + name
    if not shape:
        return f"{prefix}{name} scalar"
    return f"{prefix}{name}[{', '.join('?' if dim is None else str(dim) for dim in shape)}]"


class NodeArg:
    """An input or output of a model.

    Attributes:
        name: its name.
        type: "tensor(float)", "seq(tensor(int64))", "optional(tensor(float))" and so on.
        shape: a number, the name of a symbolic dimension, or None for each axis; empty for a
            scalar and when it is not declared.
    """

    def __init__(self, declared: Description) -> None:
        name, kind, number, shape, _ = declared
        element = _dtypes.BY_NUMBER[number].name if number in _dtypes.BY_NUMBER else "undefined"
        layout = ("tensor({})", "seq(tensor({}))", "optional(tensor({}))",
                  "optional(seq(tensor({})))", "{}")[kind]
        self.name = name
        self.type = layout.format(element)
        self.shape: list[int | str | None] = list(shape or ())

    def __repr__(self) -> str:
        return f"NodeArg(name='{self.name}', type='{self.type}', shape={self.shape})"

    __str__ = __repr__


class ModelMetadata:
    """What a model file says about itself.

    Attributes:
        producer_name, graph_name, domain, description, graph_description: text, "" when not given.
        version: the number that the producer gave.
        custom_metadata_map: dict of str to str.
    """

    def __init__(self, info: dict[str, Any]) -> None:
        self.producer_name: str = info["producer_name"]
        self.producer_version: str = info["producer_version"]
        self.graph_name: str = info["graph_name"]
        self.domain: str = info["domain"]
        self.description: str = info["description"]
        self.graph_description: str = info["graph_description"]
        self.version: int = info["version"]
        self.ir_version: int = info["ir_version"]
        self.custom_metadata_map: dict[str, str] = info["custom_metadata_map"]


class OrtDevice:
    """Where data is: in the memory of the CPU, the only device there is."""

    def __init__(self, device_type: Any = "cpu", memory: int = 0, device_id: int = 0) -> None:
        check_device(device_type)
        self._id = device_id

    @staticmethod
    def make(ort_device_name: str, device_id: int, vendor_id: int = -1) -> OrtDevice:
        return OrtDevice(ort_device_name, 0, device_id)

    @staticmethod
    def cpu() -> int:
        """The number of the type CPU."""
        return 0

    @staticmethod
    def default_memory() -> int:
        return 0

    def device_id(self) -> int:
        return self._id

    def device_type(self) -> int:
        """The number of the type: OrtDevice.cpu()."""
        return self.cpu()


def check_device(device: Any) -> None:
    """Raises unless the device, its name or its number, is the CPU."""
    if not isinstance(device, OrtDevice) and str(device).lower() not in ("cpu", "0"):
        raise InvalidArgument(f'device "{device}": onnxrun computes on the CPU, pass "cpu"')


class _Capsule:
    """What numpy needs around a tensor of DLPack that is already exported."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # the CPU


class OrtValue:
    """A tensor, or a list of tensors, that is handed to runs and comes from them.

    It holds a numpy array, or a list of arrays for a sequence; nothing is copied in or out. What it
    is made of may also be another one, whose data it shares.
    """

    def __init__(self, value: Any, number: int = 0) -> None:
        is_other = isinstance(value, OrtValue)
        self._value: Any = value._value if is_other else value
        self._number: int = value._number if is_other else number or self._guess()

    def _guess(self) -> int:
        first = self._value
        if isinstance(first, list):
            first = first[0] if first else None
        return _dtypes.number_of(first.dtype) if first is not None else 0

    @staticmethod
    def ortvalue_from_numpy(numpy_obj: np.ndarray[Any, Any], device_type: Any = "cpu",
                            device_id: int = 0, vendor_id: int = -1) -> OrtValue:
        """Of an array, which is used in place when it is contiguous."""
        check_device(device_type)
        return OrtValue(np.asarray(numpy_obj))

    @staticmethod
    def ortvalue_from_numpy_with_onnx_type(data: np.ndarray[Any, Any],
                                           onnx_element_type: int) -> OrtValue:
        """Of an array with the bytes of an element type that numpy lacks, such as bfloat16."""
        array = np.asarray(data)
        if onnx_element_type not in _dtypes.BY_NUMBER:
            raise InvalidArgument(f"{onnx_element_type!r} is not the number of an ONNX type")
        if array.dtype.itemsize != np.dtype(_dtypes.BY_NUMBER[onnx_element_type].carrier).itemsize:
            raise InvalidArgument(f"elements of {array.dtype.name} are not of the size of "
                                  f"{_dtypes.BY_NUMBER[onnx_element_type].name}")
        return OrtValue(array.view(_dtypes.numpy_dtype(onnx_element_type)), onnx_element_type)

    @staticmethod
    def ortvalue_from_shape_and_type(shape: Any, element_type: Any, device_type: Any = "cpu",
                                     device_id: int = 0, vendor_id: int = -1) -> OrtValue:
        """Zeros of this shape and numpy type, or number of an ONNX type."""
        check_device(device_type)
        return OrtValue(np.zeros(tuple(shape), _dtypes.dtype_of(element_type)))

    @staticmethod
    def ort_value_from_sparse_tensor(sparse_tensor: Any) -> OrtValue:
        raise InvalidArgument("sparse tensors are not supported: pass a dense array")

    @staticmethod
    def from_dlpack(data: Any, is_bool_tensor: bool = False) -> OrtValue:
        """Of any object with __dlpack__, or what that returned, in place."""
        array = np.from_dlpack(data if hasattr(data, "__dlpack__") else _Capsule(data))
        return OrtValue(array.view(bool) if is_bool_tensor else array)

    def numpy(self) -> Any:
        """The array itself; for a sequence the list of arrays."""
        return self._value

    to_list = numpy

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = np.asarray(self._value, dtype=dtype)
        return array.copy() if copy else array

    def __dlpack__(self, **options: Any) -> Any:
        return self._value.__dlpack__(**options)

    to_dlpack = __dlpack__

    def __dlpack_device__(self) -> Any:
        return self._value.__dlpack_device__()

    def update_inplace(self, np_arr: np.ndarray[Any, Any]) -> None:
        """Overwrites the data; type and shape must be the same."""
        if np_arr.dtype != self._value.dtype or np_arr.shape != self._value.shape:
            raise InvalidArgument(
                f"update_inplace: the array is {np_arr.dtype.name}{list(np_arr.shape)}, the value "
                f"is {self._value.dtype.name}{list(self._value.shape)}")
        if not self._value.flags.writeable:
            raise InvalidArgument("update_inplace: the array of the value is read-only")
        np.copyto(self._value, np_arr)

    def data_ptr(self) -> int:
        """Address of the first element."""
        return int(self._value.__array_interface__["data"][0])

    def data_type(self) -> str:
        """ "tensor(float)" and so on."""
        name = _dtypes.BY_NUMBER[self._number].name if self._number else "undefined"
        return f"seq(tensor({name}))" if self.is_tensor_sequence() else f"tensor({name})"

    def element_type(self) -> int:
        """The number of the element type in ONNX."""
        return self._number

    def shape(self) -> list[int]:
        """The shape of a tensor."""
        return list(self._value.shape)

    def tensor_size_in_bytes(self) -> int:
        return int(self._value.nbytes)

    def has_value(self) -> bool:
        return self._value is not None

    def is_tensor(self) -> bool:
        return isinstance(self._value, np.ndarray)

    def is_tensor_sequence(self) -> bool:
        return isinstance(self._value, list)

    def is_sparse_tensor(self) -> bool:
        return False

    def device_name(self) -> str:
        return "cpu"

    @property
    def _ortvalue(self) -> OrtValue:
        """Itself: programs that look beneath ONNX Runtime's wrapper find the same methods."""
        return self
