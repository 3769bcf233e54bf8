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
    dtype = (_dtypes.numpy_dtype(element_type) if isinstance(element_type, int)
             else np.dtype(element_type))
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

    @property
    def _iobinding(self) -> IOBinding:
        """Itself: programs that look beneath ONNX Runtime's wrapper find the same methods."""
        return self

    # ---- inputs ----

    def bind_cpu_input(self, name: str, arr_on_cpu: Any) -> None:
        """An array, read in place at each run when it is contiguous."""
        self._inputs[self._known(name, "input")] = arr_on_cpu

    def bind_input(self, name: str, device_type: str, device_id: int, element_type: Any, shape: Any,
                   buffer_ptr: int) -> None:
        """Memory at an address, which the caller keeps alive."""
        check_device(device_type)
        self.bind_cpu_input(name, _array_at(buffer_ptr, element_type, shape))

    def bind_ortvalue_input(self, name: str, ortvalue: OrtValue) -> None:
        self.bind_cpu_input(name, ortvalue)

    def clear_binding_inputs(self) -> None:
        self._inputs.clear()

    def synchronize_inputs(self) -> None:
        """Accepted: data is where it is computed with."""

    # ---- outputs ----

    def bind_output(self, name: str, device_type: str = "cpu", device_id: int = 0,
                    element_type: Any = None, shape: Any = None,
                    buffer_ptr: int | None = None) -> None:
        """By name alone, or with memory at an address, which the caller keeps alive."""
        check_device(device_type)
        target = None
        if buffer_ptr is not None:
            if element_type is None or shape is None:
                raise InvalidArgument(f'output "{name}": buffer_ptr needs element_type and shape')
            target = _array_at(buffer_ptr, element_type, shape)
        self._outputs[self._known(name, "output")] = target

    def bind_ortvalue_output(self, name: str, ortvalue: OrtValue) -> None:
        """Written by each run; type and shape must fit."""
        self._outputs[self._known(name, "output")] = ortvalue.numpy()

    def clear_binding_outputs(self) -> None:
        self._outputs.clear()
        self._results.clear()

    def synchronize_outputs(self) -> None:
        """Accepted: a run ends when its outputs are there."""

    def get_outputs(self) -> list[OrtValue]:
        """The outputs of the last run, in the order in which they were bound."""
        return list(self._results)

    get_outputs_as_ortvaluevector = get_outputs

    def copy_outputs_to_cpu(self) -> list[Any]:
        """The outputs of the last run as arrays."""
        return [result.numpy() for result in self._results]

    # ---- runs ----

    def _known(self, name: str, what: str) -> str:
        """The name, if the model has an input or output of this name."""
        from onnxrun._convert import unknown_name

        declared = self._session._inputs if what == "input" else self._session._outputs
        if name not in (description[0] for description in declared):
            unknown_name(what, name, declared)
        return name

    def _run(self, run_options: RunOptions | None) -> None:
        results = self._session.run(list(self._outputs), self._inputs, run_options)
        self._results = [_deliver(name, target, result) for (name, target), result
                         in zip(self._outputs.items(), results)]


def _deliver(name: str, target: np.ndarray[Any, Any] | None, result: Any) -> OrtValue:
    """The result as a value: in the memory of target, if there is one."""
    if target is None:
        return OrtValue(result)
    if result.dtype != target.dtype or result.shape != target.shape:
        raise InvalidArgument(
            f'output "{name}" is {result.dtype.name}{list(result.shape)}, the memory bound to it '
            f"is {target.dtype.name}{list(target.shape)}")
    np.copyto(target, result)
    return OrtValue(target)
