#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write a BERT encoder with random weights as ONNX, to measure speed on.

The graph has the shape of what torch.onnx.export(dynamo=False) writes at opset 17: nothing fused
but LayerNormalization, biases in Adds of their own, heads split by Reshape and Transpose, GELU as
Div-Erf-Add-Mul-Mul. Every layer has weights of its own, for engines may share equal ones.
The default size is BERT-base (436 MB); needs numpy and onnx only.
"""
import argparse
import math
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
WEIGHT_DEVIATION = 0.02  # BERT's own initialisation; keeps activations in a normal range
EPSILON = 1e-12

PRESETS = {  # layers, hidden, heads, ffn
    "bert-base": (12, 768, 12, 3072),
    "minilm-l6": (6, 384, 12, 1536),
    "minilm-l3": (3, 384, 12, 1536),
}


class GraphWriter:
    """Collects nodes and weights; each method returns the name of the tensor it made."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes = []
        self.initializers = []

    def node(self, op_type, *inputs, **attributes):
        output = f"{op_type}_{len(self.nodes)}_output"
        self.nodes.append(helper.make_node(op_type, inputs, [output],
                                           name=f"{op_type}_{len(self.nodes)}", **attributes))
        return output

    def constant(self, values, dtype):
        tensor = numpy_helper.from_array(np.array(values, dtype))
        return self.node("Constant", value=tensor)

    def weight(self, name, *shape, mean=0.0):
        values = self.random.standard_normal(shape, np.float32) * np.float32(WEIGHT_DEVIATION)
        self.initializers.append(numpy_helper.from_array(values + np.float32(mean), name))
        return name

    def linear(self, x, name, inputs, outputs):
        product = self.node("MatMul", x, self.weight(f"{name}.weight", inputs, outputs))
        return self.node("Add", self.weight(f"{name}.bias", outputs), product)

    def layer_norm(self, x, name, size):
        return self.node("LayerNormalization", x, self.weight(f"{name}.weight", size, mean=1.0),
                         self.weight(f"{name}.bias", size), axis=-1, epsilon=EPSILON)

    def gelu(self, x):
        erf = self.node("Erf", self.node("Div", x, self.constant(math.sqrt(2), np.float32)))
        scaled = self.node("Mul", x, self.node("Add", erf, self.constant(1, np.float32)))
        return self.node("Mul", scaled, self.constant(0.5, np.float32))

    def dimension(self, x, axis):
        """The size of one axis as an int64 vector of one element."""
        size = self.node("Gather", self.node("Shape", x), self.constant(axis, np.int64), axis=0)
        return self.node("Unsqueeze", size, self.constant([0], np.int64))

    def reshape_tokens(self, x, like, *tail):
        """Reshape to [batch, sequence, *tail], with the first two sizes those of `like`."""
        sizes = [self.constant([size], np.int64) for size in tail]
        shape = self.node("Concat", self.dimension(like, 0), self.dimension(like, 1), *sizes,
                          axis=0)
        return self.node("Reshape", x, shape)


def embeddings(graph, args):
    """input_ids, token_type_ids -> [batch, sequence, hidden]"""
    words = graph.node("Gather", graph.weight("embeddings.word", args.vocab, args.hidden),
                       "input_ids")
    types = graph.node("Gather", graph.weight("embeddings.token_type", 2, args.hidden),
                       "token_type_ids")
    length = graph.dimension("input_ids", 1)
    positions = graph.node("Slice", graph.constant([list(range(args.positions))], np.int64),
                           graph.constant([0], np.int64), length, graph.constant([1], np.int64),
                           graph.constant([1], np.int64))
    places = graph.node("Gather",
                        graph.weight("embeddings.position", args.positions, args.hidden),
                        positions)
    total = graph.node("Add", graph.node("Add", words, types), places)
    return graph.layer_norm(total, "embeddings.norm", args.hidden)


def additive_mask(graph):
    """attention_mask [batch, sequence] of 1 and 0 -> [batch, 1, 1, sequence] of 0 and -FLT_MAX"""
    mask = graph.node("Unsqueeze", "attention_mask", graph.constant([1], np.int64))
    mask = graph.node("Unsqueeze", mask, graph.constant([2], np.int64))
    mask = graph.node("Cast", mask, to=TensorProto.FLOAT)
    inverted = graph.node("Sub", graph.constant(1, np.float32), mask)
    return graph.node("Mul", inverted, graph.constant(np.finfo(np.float32).min, np.float32))


def attention(graph, x, mask, name, args):
    """Self-attention of one layer, output projection included, [batch, sequence, hidden]"""
    head_size = args.hidden // args.heads

    def heads(part, perm):
        projected = graph.linear(x, f"{name}.{part}", args.hidden, args.hidden)
        split = graph.reshape_tokens(projected, x, args.heads, head_size)
        return graph.node("Transpose", split, perm=perm)

    query = heads("query", [0, 2, 1, 3])
    key = heads("key", [0, 2, 3, 1])
    value = heads("value", [0, 2, 1, 3])
    scores = graph.node("Div", graph.node("MatMul", query, key),
                        graph.constant(math.sqrt(head_size), np.float32))
    weights = graph.node("Softmax", graph.node("Add", scores, mask), axis=-1)
    mixed = graph.node("Transpose", graph.node("MatMul", weights, value), perm=[0, 2, 1, 3])
    joined = graph.reshape_tokens(mixed, x, args.hidden)
    return graph.linear(joined, f"{name}.output", args.hidden, args.hidden)


def encoder_layer(graph, x, mask, name, args):
    attended = attention(graph, x, mask, f"{name}.attention", args)
    x = graph.layer_norm(graph.node("Add", attended, x), f"{name}.attention.norm", args.hidden)
    inner = graph.gelu(graph.linear(x, f"{name}.intermediate", args.hidden, args.ffn))
    outer = graph.linear(inner, f"{name}.output", args.ffn, args.hidden)
    return graph.layer_norm(graph.node("Add", outer, x), f"{name}.output.norm", args.hidden)


def make_model(args):
    graph = GraphWriter(args.seed)
    x = embeddings(graph, args)
    mask = additive_mask(graph)
    for index in range(args.layers):
        x = encoder_layer(graph, x, mask, f"encoder.layer.{index}", args)
    graph.nodes[-1].output[0] = "last_hidden_state"

    tokens = ["batch", "sequence"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, tokens)
              for name in ("input_ids", "attention_mask", "token_type_ids")]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT,
                                           [*tokens, args.hidden])
    return helper.make_model(
        helper.make_graph(graph.nodes, "bert", inputs, [output], graph.initializers),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
        producer_name="make_bert.py")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("output", type=Path, help="ONNX file to write")
    parser.add_argument("--preset", choices=PRESETS, default="bert-base",
                        help="sizes to start from (default: bert-base)")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--hidden", type=int)
    parser.add_argument("--heads", type=int)
    parser.add_argument("--ffn", type=int, help="size of the inner feed-forward layer")
    parser.add_argument("--vocab", type=int, default=30522)
    parser.add_argument("--positions", type=int, default=512, help="longest sequence")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for name, size in zip(("layers", "hidden", "heads", "ffn"), PRESETS[args.preset],
                          strict=True):
        if getattr(args, name) is None:
            setattr(args, name, size)
    if args.layers < 1:
        parser.error("--layers must be at least 1")
    if args.hidden % args.heads:
        parser.error("--hidden must be a multiple of --heads")
    return args


def main():
    args = parse_arguments()
    onnx.save(make_model(args), args.output)
    print(f"{args.output}: {args.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
