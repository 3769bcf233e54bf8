#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write a chain of small nodes as ONNX, to measure what a runtime adds to each node.

The input x [n, width] goes through a chain of Sin (in place, too small for two threads), or with
--matmul through products with square weights of their own. Needs numpy and onnx only.
"""
import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def make_chain(count, width, is_matmul):
    random = np.random.default_rng(1)
    nodes, weights = [], []
    for i in range(count):
        inputs = ["x" if i == 0 else f"v{i - 1}"]
        if is_matmul:
            deviation = 1 / np.sqrt(width)  # keeps the size of the values from node to node
            data = random.normal(0, deviation, (width, width)).astype(np.float32)
            weights.append(numpy_helper.from_array(data, f"w{i}"))
            inputs.append(f"w{i}")
        output = "y" if i == count - 1 else f"v{i}"
        nodes.append(helper.make_node("MatMul" if is_matmul else "Sin", inputs, [output]))
    graph = helper.make_graph(
        nodes, "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", width])], weights)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("path", metavar="FILE")
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--width", type=int, default=4)
    parser.add_argument("--matmul", action="store_true")
    args = parser.parse_args()
    onnx.save(make_chain(args.nodes, args.width, args.matmul), args.path)


if __name__ == "__main__":
    main()
