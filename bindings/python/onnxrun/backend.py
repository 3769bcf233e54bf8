# SPDX-License-Identifier: Apache-2.0
"""The backend interface of the package onnx, which this module needs.

    import onnx
    import onnxrun.backend

    prepared = onnxrun.backend.prepare(onnx.load("model.onnx"))
    outputs = prepared.run([ids, mask])
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onnx import ModelProto
from onnx.backend.base import Backend, BackendRep, namedtupledict

from onnxrun._errors import Unsupported
from onnxrun._options import SessionOptions
from onnxrun._session import InferenceSession


class OnnxrunBackendRep(BackendRep):
    """A model that is ready to run."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session
        self._names = [declared[0] for declared in session._inputs]
        self._outputs = namedtupledict("Outputs", [o.name for o in session.get_outputs()])

    def run(self, inputs: Any, **kwargs: Any) -> Any:
        """Computes all outputs, as a tuple with their names.

        Args:
            inputs: a dict by name, or values in the order of the model's inputs; one value alone
                stands for the first.
            kwargs: none is used.
        """
        if isinstance(inputs, Mapping):
            feed = dict(inputs)
        else:
            values = inputs if isinstance(inputs, (list, tuple)) else [inputs]
            feed = dict(zip(self._names, values))
        return self._outputs(*self._session.run(None, feed))


class OnnxrunBackend(Backend):
    """onnxrun behind onnx.backend.base.Backend."""

    @classmethod
    def is_compatible(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether the model can be run here."""
        try:
            InferenceSession(model.SerializeToString())
        except Unsupported:
            return False
        return cls.supports_device(device)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"

    @classmethod
    def prepare(cls, model: Any, device: str = "CPU", **kwargs: Any) -> OnnxrunBackendRep:
        """Makes a model, the path of one, or a session ready to run; sess_options may be given."""
        options: SessionOptions | None = kwargs.get("sess_options")
        if not cls.supports_device(device):
            raise Unsupported(f'device "{device}": onnxrun computes on the CPU')
        if isinstance(model, InferenceSession):
            return OnnxrunBackendRep(model)
        source = model.SerializeToString() if isinstance(model, ModelProto) else model
        return OnnxrunBackendRep(InferenceSession(source, options))

    @classmethod
    def run_model(cls, model: Any, inputs: Any, device: str = "CPU", **kwargs: Any) -> Any:
        """Runs once."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(cls, node: Any, inputs: Any, device: str = "CPU",
                 outputs_info: Sequence[Any] | None = None, **kwargs: Any) -> Any:
        """Not there: a node alone has no types."""
        raise Unsupported("run_node: a node alone has no types; make a model of it")


is_compatible = OnnxrunBackend.is_compatible
prepare = OnnxrunBackend.prepare
run = OnnxrunBackend.run_model
run_model = OnnxrunBackend.run_model
supports_device = OnnxrunBackend.supports_device
