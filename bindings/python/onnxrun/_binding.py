# SPDX-License-Identifier: Apache-2.0
"""IOBinding: inputs and outputs that stay bound over many runs."""
from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from onnxrun import _dtypes
from onnxrun._errors import InvalidArgument
from onnxrun._options import RunOptions
from onnxrun._values import OrtValue, check_device

if TYPE_CHECKING:
    from onnxrun._session import InferenceSession


def _array_at(pointer: int, element_type: Any, shape: Any) -> np.ndarray[Any, Any]:
    """The memory at the address as an array, which the caller keeps alive."""
    dtype = _dtypes.dtype_of(element_type)
    count = int(np.prod(tuple(shape), dtype=np.int64))
    if count == 0:
        return np.empty(tuple(shape), dtype)
    memory = (ctypes.c_char * (count * dtype.itemsize)).from_address(int(pointer))
    array: np.ndarray[Any, Any] = np.ndarray(tuple(shape), dtype, memoryview(memory))
    return array


class IOBinding:
    """Inputs and outputs of a session, for InferenceSession.run_with_iobinding.

    An output is either bound to memory, which a run writes, or only by name: then get_outputs has a
    new value after each run.
    """

    def __init__(self, session: InferenceSession) -> None:
        self._session = session
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, np.ndarray[Any, Any] | None] = {}
        self._results: list[OrtValue] = []
        self._are_bound: list[bool] = []  # the results, to memory
        self._targets: list[np.ndarray[Any, Any] | None] | None = None  # None: to be found

    @property
    def _iobinding(self) -> IOBinding:
        """Itself: programs that look beneath ONNX Runtime's wrapper find the same methods."""
        return self

    # ---- inputs ----

    def bind_cpu_input(self, name: str, arr_on_cpu: Any) -> None:
        """An array, read in place at each run when it is contiguous."""
        self._inputs[self._known(name, "input")] = arr_on_cpu
        self._targets = None

    def bind_input(self, name: str, device_type: Any, device_id: int, element_type: Any, shape: Any,
                   buffer_ptr: int) -> None:
        """Memory at an address, which the caller keeps alive."""
        check_device(device_type)
        self.bind_cpu_input(name, _array_at(buffer_ptr, element_type, shape))

    def bind_ortvalue_input(self, name: str, ortvalue: OrtValue) -> None:
        self.bind_cpu_input(name, ortvalue)

    def clear_binding_inputs(self) -> None:
        self._inputs.clear()
        self._targets = None

    def synchronize_inputs(self) -> None:
        """Accepted: data is where it is computed with."""

    # ---- outputs ----

    def bind_output(self, name: str, device_type: Any = "cpu", device_id: int = 0,
                    element_type: Any = None, shape: Any = None,
                    buffer_ptr: int | None = None) -> None:
        """By name alone, or with memory at an address, which the caller keeps alive."""
        check_device(device_type)
        target = None
        if buffer_ptr is not None:
            if element_type is None or shape is None:
                raise InvalidArgument(f'output "{name}": buffer_ptr needs element_type and shape')
            target = _array_at(buffer_ptr, element_type, shape)
        self._bind_target(name, target)

    def bind_ortvalue_output(self, name: str, ortvalue: OrtValue) -> None:
        """Written by each run; type and shape must fit."""
        self._bind_target(name, ortvalue.numpy())

    def _bind_target(self, name: str, target: Any) -> None:
        """Binds memory, of which at least the type fits, or None."""
        self._known(name, "output")
        wanted = _dtypes.numpy_dtype(self._number(name))
        if isinstance(target, list):
            raise InvalidArgument(f'output "{name}": a sequence is not written to memory; bind it '
                                  "by name")
        if target is not None and target.dtype != wanted:
            raise InvalidArgument(f'output "{name}" is {wanted.name}, the memory bound to it is '
                                  f"{target.dtype.name}{list(target.shape)}")
        if target is not None and not target.flags.writeable:
            raise InvalidArgument(f'output "{name}": the memory bound to it is read-only')
        self._outputs[name] = target
        self._targets = None

    def clear_binding_outputs(self) -> None:
        self._outputs.clear()
        self._results.clear()
        self._targets = None

    def synchronize_outputs(self) -> None:
        """Accepted: a run ends when its outputs are there."""

    def get_outputs(self) -> list[OrtValue]:
        """The outputs of the last run, in the order in which they were bound."""
        return list(self._results)

    get_outputs_as_ortvaluevector = get_outputs

    def copy_outputs_to_cpu(self) -> list[Any]:
        """The outputs of the last run as arrays, which later runs do not write."""
        return [result.numpy().copy() if is_bound else result.numpy()
                for result, is_bound in zip(self._results, self._are_bound)]

    # ---- runs ----

    def _known(self, name: str, what: str) -> str:
        """The name, if the model has an input or output of this name."""
        from onnxrun._convert import unknown_name

        declared = self._session._inputs if what == "input" else self._session._outputs
        if name not in (description[0] for description in declared):
            unknown_name(what, name, declared)
        return name

    def _run(self, run_options: RunOptions | None) -> None:
        if not self._outputs:
            raise InvalidArgument("no output is bound: bind those that are wanted with bind_output")
        if self._targets is None:
            self._targets = [self._in_place(name) for name in self._outputs]
        results = self._session._run_into(list(self._outputs), self._inputs, run_options,
                                          self._targets)
        self._results = [_deliver(name, target, result) for (name, target), result
                         in zip(self._outputs.items(), results)]
        self._are_bound = [target is not None for target in self._outputs.values()]

    def _in_place(self, name: str) -> np.ndarray[Any, Any] | None:
        """The bytes of the memory bound to the output, if a run can write them itself: that it
        reads no input from there and writes no other output there, and that it is not strided.
        """
        target = self._outputs[name]
        if target is None or not (target.flags.carray and target.dtype.isnative):
            return None
        others = [array for other, array in self._outputs.items() if other != name]
        if any(_may_share(target, value) for value in (*self._inputs.values(), *others)):
            return None
        return _dtypes.as_carrier(target, self._number(name))

    def _number(self, output: str) -> int:
        """The number of an output's element type."""
        return next(declared[2] for declared in self._session._outputs if declared[0] == output)


def _may_share(target: np.ndarray[Any, Any], value: Any) -> bool:
    """Whether a value may lie in the memory of target."""
    if isinstance(value, OrtValue):
        value = value.numpy()
    if isinstance(value, (list, tuple)):
        return any(isinstance(item, np.ndarray) and np.may_share_memory(target, item)
                   for item in value)
    if isinstance(value, np.ndarray):
        return np.may_share_memory(target, value)
    return hasattr(value, "__dlpack__")


def _deliver(name: str, target: np.ndarray[Any, Any] | None, result: Any) -> OrtValue:
    """The result as a value: in the memory of target, if there is one."""
    if target is None:
        return OrtValue(result)
    if result is None:  # it was written there
        return OrtValue(target)
    if result.shape != target.shape:
        raise InvalidArgument(f'output "{name}" has the shape {list(result.shape)}, the memory '
                              f"bound to it {list(target.shape)}")
    np.copyto(target, result)
    return OrtValue(target)
