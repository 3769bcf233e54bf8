# SPDX-License-Identifier: Apache-2.0
"""Models of one operator, for ops.py and gate.py."""
import numpy as np
import onnx
from onnx import helper, numpy_helper

OPSET = 23
IR_VERSION = 10


def make_model(op, shapes, constants, attributes):
    """A model of one node; `first` says which constants stand before the inputs."""
    attributes = dict(attributes)
    first = attributes.pop("first", [])
    output_count = attributes.pop("outputs", 2 if op == "TopK" else 1)
    inputs = [helper.make_tensor_value_info(f"x{i}", onnx.TensorProto.FLOAT, shape)
              for i, shape in enumerate(shapes)]
    tensors = [numpy_helper.from_array(np.asarray(value), f"c{i}")
               for i, value in enumerate(constants)]
    names = [value.name for value in inputs] + [tensor.name for tensor in tensors]
    if first:
        names = names[len(shapes):] + names[:len(shapes)]
    outputs = [f"y{i}" for i in range(output_count)]
    node = helper.make_node(op, names, outputs, **attributes)
    graph = helper.make_graph([node], op, inputs,
                              [helper.make_empty_tensor_value_info(name) for name in outputs],
                              tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                              ir_version=IR_VERSION)
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    onnx.checker.check_model(model)
    return model
