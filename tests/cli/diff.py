#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what onnxdump --diff finds between two models.

    diff.py BIN_DIR MODEL_FOLDER...
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from command import COMMANDS, onnxdump

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


class Models:
    """Two files, and what differs between them."""

    def __init__(self, scratch):
        self.paths = [scratch / "a.onnx", scratch / "b.onnx"]
        self.text = ""

    def diff(self, a, b):
        for model, path in zip((a, b), self.paths):
            onnx.save(model, path)
        command = [COMMANDS / "onnxdump", "--diff", *self.paths, "--json"]
        result = subprocess.run(command, text=True, capture_output=True, check=False)
        found = json.loads(result.stdout)
        assert found["equal"] == (not found["changes"]) == (result.returncode == 0)
        self.text = onnxdump("--diff", *self.paths, status=result.returncode).stdout
        return found

    def changes(self, a, b):
        """(sign, what, name, detail) of each."""
        return [(change["sign"], change["what"], change["name"], change["detail"])
                for change in self.diff(a, b)["changes"]]


def float_value(name, *shape):
    return helper.make_tensor_value_info(name, FLOAT, shape)


def weight(name, *values, dtype=np.float32):
    return numpy_helper.from_array(np.array(values, dtype=dtype), name)


def node(op_type, inputs, output, **attributes):
    return helper.make_node(op_type, inputs.split(), output.split(), **attributes)


def make(nodes, inputs=None, outputs=None, weights=(), **options):
    graph = helper.make_graph(nodes, "g", inputs or [float_value("x", "n", 4)],
                              outputs or [float_value("y", "n", 4)], initializer=weights)
    return helper.make_model(graph, **({"opset_imports": [helper.make_opsetid("", 20)],
                                        "ir_version": 9} | options))


def renamed(model):
    """The same model with other names of nodes, weights and values inside."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    kept = {value.name for value in [*copy.graph.input, *copy.graph.output]} | {""}
    names = {}

    def new(name):
        return name if name in kept else names.setdefault(name, f"other_{len(names)}")

    for tensor in copy.graph.initializer:
        tensor.name = new(tensor.name)
    for index, item in enumerate(copy.graph.node):
        item.name = f"node_{index}"
        item.input[:] = [new(name) for name in item.input]
        item.output[:] = [new(name) for name in item.output]
    del copy.graph.value_info[:]
    return copy


def layers(*op_types, start="x", end="y"):
    """A chain of nodes."""
    names = [start, *(f"v{index}" for index in range(1, len(op_types))), end]
    return [node(op_type, names[index], names[index + 1]) for index, op_type in enumerate(op_types)]


# ---- what is asked of it ----


def check_equal(models):
    model = make([node("Add", "x w", "a"), node("Relu", "a", "y")], weights=[weight("w", 1, 2, 3, 4)])
    found = models.diff(model, model)
    assert found["equal"] and found["equal_nodes"] == 2 and found["equal_weights"] == 1
    assert models.text.endswith("weights: 1 equal\n\nnodes: 2 equal\n\nThe models are equal.\n")
    swapped = make([node("Add", "w x", "a"), node("Relu", "a", "y")],
                   weights=[weight("w", 1, 2, 3, 4)])
    assert models.diff(model, swapped)["equal"]
    found = models.diff(model, renamed(model))
    assert found["equal"] and found["renamed_nodes"] == 2 and found["renamed_weights"] == 1, found
    assert "nodes: 2 equal, 2 of them with other names" in models.text


def check_signature(models):
    def model(inputs, outputs):
        return make(layers("Relu"), inputs, outputs)
    x, z = float_value("x", "n", 4), float_value("z", 1)
    first = model([x, z], [float_value("y", "n", 4)])
    second = model([float_value("x", "batch", 4), float_value("u", 1)],
                   [helper.make_tensor_value_info("y", FLOAT, None)])
    assert models.changes(first, second) == [
        ("!", "input", "x", "float[n, 4] -> float[batch, 4]"), ("-", "input", "z", "float[1]"),
        ("+", "input", "u", "float[1]"), ("!", "output", "y", "float[n, 4] -> float of any shape")]
    assert "\nsignature\n! input x: float[n, 4] -> float[batch, 4]\n- input z" in models.text
    assert models.changes(first, model([z, x], first.graph.output)) == [
        ("!", "inputs", "", "in another order")]


def check_model(models):
    first = make(layers("Relu"), producer_name="old\x1b[2J", doc_string="words")
    second = make(layers("Relu"), producer_name="new", ir_version=10,
                  opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("more", 1)])
    helper.set_model_props(first, {"author": "a", "gone": "b"})
    helper.set_model_props(second, {"author": "c"})
    assert models.changes(first, second) == [
        ("!", "IR version", "", "9 -> 10"), ("!", "producer", "", "old\\x1b[2J -> new"),
        ("-", "description", "", "words"), ("!", "operator set", "ai.onnx", "20 -> 21"),
        ("!", "metadata", "author", "a -> c"), ("-", "metadata", "gone", "b"),
        ("+", "operator set", "more", "1")]


def check_weights(models):
    def model(*weights):
        nodes = [node("Concat", " ".join(tensor.name for tensor in weights), "c", axis=0),
                 node("Add", "x c", "y")]
        return make(nodes, [float_value("x", 1)], [float_value("y", None)], weights)
    first = model(weight("same", 1, 2), weight("close", 1, 2, 3), weight("named", 7, 8, 9),
                  weight("typed", 1), weight("nan", 1, np.nan), weight("gone", 5, 5, 5, 5))
    second = model(weight("same", 1, 2), weight("close", 1, 2.25, 3.5), weight("other", 7, 8, 9),
                   weight("typed", 1, dtype=np.float16), weight("nan", np.nan, np.nan))
    found = models.changes(first, second)
    assert found[:4] == [
        ("!", "weight", "close", "float[3]: 2 of 3 elements, by up to 0.5"),
        ("!", "weight", "typed", "float[1] -> float16[1]"),
        ("!", "weight", "nan", "float[2]: 1 of 2 elements, by up to inf"),
        ("-", "weight", "gone", "float[4]")], found
    assert "weights: 2 equal, 1 of them with other names, 3 changed, 1 only in the first" \
        in models.text
    many = [weight(f"w{index}", index, 1) for index in range(40)]
    models.diff(model(*many), model(*(weight(tensor.name, 100 + index)
                                      for index, tensor in enumerate(many))))
    assert "  and 16 more, which --json lists\n" in models.text
    strings = [make([node("StringConcat", "x s", "y")],
                    [helper.make_tensor_value_info("x", TensorProto.STRING, [1])],
                    [helper.make_tensor_value_info("y", TensorProto.STRING, [1])],
                    [helper.make_tensor("s", TensorProto.STRING, [1], [text])])
               for text in (b"a", b"b")]
    assert models.changes(*strings) == [("!", "weight", "s", "string[1]: other strings")]


def check_attributes(models):
    first = make([node("Softmax", "x", "a", axis=1), node("LeakyRelu", "a", "b", alpha=0.5),
                  node("Transpose", "b", "y", perm=[0, 1])])
    second = make([node("Softmax", "x", "a", axis=-1), node("LeakyRelu", "a", "b"),
                   node("Transpose", "b", "y", perm=[1, 0])])
    pools = [make([node("MaxPool", "x", "y", kernel_shape=[1], auto_pad=pad)])
             for pad in ("VALID", "NOTSET")]
    assert models.changes(*pools) == [("!", "MaxPool", "y", "auto_pad: 'VALID' -> 'NOTSET'")]
    assert models.changes(first, second) == [
        ("!", "Softmax", "a", "axis: 1 -> -1"), ("!", "LeakyRelu", "b", "alpha: 0.5 -> none"),
        ("!", "Transpose", "y", "perm: [0, 1] -> [1, 0]")]
    assert models.changes(second, first)[1] == ("!", "LeakyRelu", "b", "alpha: none -> 0.5")


def check_inserted(models):
    """Names that are numbered shift with a node; what the nodes do does not."""
    first = make(layers("Relu", "Neg", "Exp", "Neg", "Abs"))
    second = make(layers("Relu", "Neg", "Tanh", "Exp", "Neg", "Abs"))
    found = models.diff(first, second)
    changes = [(change["sign"], change["what"]) for change in found["changes"]]
    assert changes == [("!", "Exp"), ("+", "Tanh")] and found["equal_nodes"] == 4, found
    assert models.text.endswith('in no module\n  ! Exp  v3: input 0: "v2" of Neg -> "v3" of Tanh\n'
                                "  + Tanh  v3\n"), models.text
    assert [change[:2] for change in models.changes(second, first)] == [("-", "Tanh"), ("!", "Exp")]


def check_fused(models):
    """What an optimiser does in each layer is told once."""
    def model(is_fused):
        nodes, weights = [], []
        for layer in range(12):
            at, name = "x" if layer == 0 else f"out{layer - 1}", f"/encoder/layer.{layer}/act"
            weights.append(weight(f"w{layer}", *range(layer, layer + 4)))
            nodes.append(node("Mul", f"{at} w{layer}", f"m{layer}", name=f"{name}/Mul_0"))
            if is_fused:
                nodes.append(node("Gelu", f"m{layer}", f"out{layer}", name=f"{name}/Gelu"))
                continue
            for index, (op_type, inputs) in enumerate((
                    ("Div", "m half"), ("Erf", "d"), ("Add", "e one"), ("Mul", "m a"))):
                inputs = " ".join(value + (str(layer) if len(value) == 1 else "")
                                  for value in inputs.split())
                nodes.append(node(op_type, inputs, f"{'deao'[index]}{layer}" if index < 3
                                  else f"out{layer}", name=f"{name}/{op_type}_{index}"))
        nodes.append(node("Relu", "out11", "y"))
        scalars = [] if is_fused else [weight("half", 0.5), weight("one", 1)]
        return make(nodes, weights=weights + scalars)
    found = models.diff(model(False), model(True))
    assert found["equal_nodes"] == 13 and len(found["changes"]) == 2 + 12 * 5, found
    assert models.text.endswith("nodes: 13 equal, 48 only in the first model, 12 only in the second "
                                "model\nencoder/layer.{0..11}/act, each of 12\n"
                                "  - Div, Erf, Add, Mul\n  + Gelu\n"), models.text


def check_constants(models):
    constant = helper.make_node("Constant", [], ["c"], value=weight("", 1, 2, 3, 4))
    first = make([constant, node("Add", "x c", "y")])
    second = make([node("Add", "x k", "y")], weights=[weight("k", 1, 2, 3, 4)])
    found = models.diff(first, second)
    assert found["equal"] and found["moved_constants"] == 1, found
    assert "  1 Constant node of one model is a weight in the other\n" in models.text
    assert models.diff(second, first)["equal"]


def body(name, nodes, outputs, inputs=(), weights=()):
    return helper.make_graph(nodes, name, [float_value(name, None) for name in inputs],
                             [float_value(name, None) for name in outputs], weights)


def branches(*nodes, weights=(), output="r", other="Neg"):
    """A model with an If, whose first branch has these nodes."""
    attributes = {"then_branch": body("then", nodes, [output], weights=weights),
                  "else_branch": body("else", [node(other, "a", "r")], ["r"])}
    return make([node("Relu", "x", "a"), node("Exp", "x", "b"),
                 helper.make_node("If", ["c"], ["y"], **attributes)],
                [float_value("x", "n", 4), helper.make_tensor_value_info("c", TensorProto.BOOL, [])])


def check_bodies(models):
    first = branches(node("Abs", "a", "t"), node("Mul", "t w", "r"), weights=[weight("w", 1, 2, 3, 4)])
    found = models.diff(first, first)
    assert found["equal"] and found["equal_nodes"] == 6 and found["equal_weights"] == 1, found
    # names and the order of nodes within do not matter
    other = branches(node("Abs", "a", "u"), node("Mul", "v u", "q"), weights=[weight("v", 1, 2, 3, 4)],
                     output="q")
    found = models.diff(first, other)
    assert found["equal"] and found["renamed_nodes"] == 2 and found["renamed_weights"] == 1, found

    found = models.diff(first, branches(node("Abs", "b", "t"), node("Sin", "t", "u"),
                                        node("Mul", "u w", "r"), weights=[weight("w", 1, 2, 3, 5)]))
    assert [(change["sign"], change["what"], change["name"], change["detail"], change["body"])
            for change in found["changes"]] == [
        ("!", "weight", "w", "float[4]: 1 of 4 elements, by up to 1", "then_branch of y"),
        ("!", "Abs", "t", 'input 0: "a" -> "b"', "then_branch of y"),
        ("!", "Mul", "r", 'input 0: "t" of Abs -> "u" of Sin', "then_branch of y"),
        ("+", "Sin", "u", None, "then_branch of y")], found
    assert "\n! w (then_branch of y): float[4]: 1 of 4" in models.text
    assert "\n  + Sin  u (then_branch of y)\n" in models.text
    assert models.changes(first, branches(node("Abs", "a", "t"), node("Mul", "t w", "r"),
                                          weights=[weight("w", 1, 2, 3, 4)], other="Sin")) == [
        ("-", "Neg", "r", None), ("+", "Sin", "r", None)]
    # an output of a body that is a captured value
    assert models.changes(branches(output="a"), branches(output="b")) == [
        ("!", "output", "a", '"a" -> "b"')]


def check_nested_bodies(models):
    """A loop in a branch, which captures values of the branch and of the graph around it."""
    def model(inner, captured, is_counted=True):
        types = helper.make_tensor_value_info
        loop = helper.make_graph(
            [node("Add", f"s {captured}", "p"), node(inner, "p", "o"), node("Identity", "go", "on")],
            "loop", [types("i", TensorProto.INT64, []), types("go", TensorProto.BOOL, []),
                     float_value("s", None)],
            [types("on", TensorProto.BOOL, []), float_value("o", None)] +
            ([float_value("p", None)] if is_counted else []))
        nodes = [node("Abs", "a", "t"),
                 helper.make_node("Loop", ["n", "c", "t"], ["r", "all"] if is_counted else ["r"],
                                  body=loop)]
        made = branches(*nodes)
        made.graph.initializer.append(numpy_helper.from_array(np.array(3), "n"))
        return made
    assert models.diff(model("Exp", "b"), model("Exp", "b"))["equal"]
    found = models.diff(model("Exp", "b"), model("Log", "t"))
    assert [(change["sign"], change["what"], change["name"], change["detail"], change["body"])
            for change in found["changes"]] == [
        ("!", "Add", "p", 'input 1: "b" -> "t"', "body of r in then_branch of y"),
        ("-", "Exp", "o", None, "body of r in then_branch of y"),
        ("+", "Log", "o", None, "body of r in then_branch of y")], found
    assert "  - Exp  o (body of r in then_branch of y)\n" in models.text
    assert models.changes(model("Exp", "b"), model("Exp", "b", False)) == [
        ("!", "outputs", "", "3 -> 2")]


def check_functions(models):
    """Nodes of a function are compared where it is called."""
    def model(op_type, calls=2):
        names = ["x", *(f"v{index}" for index in range(1, calls)), "y"]
        made = make([helper.make_node("Twice", [names[index]], [names[index + 1]], domain="own")
                     for index in range(calls)],
                    opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("own", 1)])
        made.functions.append(helper.make_function(
            "own", "Twice", ["u"], ["w"], [node("Relu", "u", "k"), node(op_type, "k", "w")],
            [helper.make_opsetid("", 20)]))
        return made
    assert models.diff(model("Exp"), model("Exp"))["equal_nodes"] == 4
    changes = [change[:2] for change in models.changes(model("Exp"), model("Log"))]
    assert sorted(change for change in changes if change[0] != "!") == [
        ("+", "Log"), ("+", "Log"), ("-", "Exp"), ("-", "Exp")], changes
    found = models.diff(model("Exp"), model("Exp", 3))
    assert [(change["sign"], change["what"]) for change in found["changes"]
            if change["sign"] != "!"] == [("+", "Relu"), ("+", "Exp")], found


def check_outputs(models):
    nodes = [node("Relu", "x", "a"), node("Neg", "x", "y")]
    first = make(nodes)
    second = make([node("Relu", "x", "y"), node("Neg", "x", "b")])
    assert ("!", "output", "y", '"y" of Neg -> "y" of Relu') in models.changes(first, second)


def check_hostile(models):
    first = make([node("Relu", "x", "a"), helper.make_node("Neg", ["a"], ["y"], name="\x1b[2J\"}]")])
    second = make([helper.make_node("Exp", ["x"], ["y"], name="<b>\x1b]0;x\x07")])
    assert len(models.changes(first, second)) == 3
    assert "\\x1b[2J" in models.text
    first, second = branches(node("Abs", "a", "r")), branches(node("Sin", "a", "r"))
    first.graph.node[2].name = second.graph.node[2].name = "\x1b]0;x\x07"
    assert len(models.changes(first, second)) == 2
    assert "(then_branch of \\x1b]0;x\\x07)" in models.text


def check_trouble(models, scratch):
    models.diff(make(layers("Relu")), make(layers("Relu")))
    (scratch / "bad.onnx").write_bytes(b"no protobuf")
    a = models.paths[0]
    for arguments in ([a, scratch / "bad.onnx"], [scratch / "bad.onnx", a], [a], [a, a, a], [],
                      [a, scratch / "nowhere.onnx"]):
        assert onnxdump("--diff", *arguments, status=2).stdout == ""


def check_whole(models, folder):
    """Names do not matter in real models, and every node is accounted for."""
    model = onnx.load(folder / "model.onnx")
    found = models.diff(model, renamed(model))
    assert found["equal"], found["changes"][:5]
    assert found["equal_nodes"] + found["moved_constants"] == len(model.graph.node)
    without = onnx.ModelProto()
    without.CopyFrom(model)
    middle = len(without.graph.node) // 2
    while without.graph.node[middle].op_type not in ("Add", "Mul"):
        middle += 1
    gone = without.graph.node[middle]
    for item in without.graph.node:
        item.input[:] = [gone.input[0] if name == gone.output[0] else name for name in item.input]
    del without.graph.node[middle]
    found = models.diff(model, renamed(without))
    counts = {sign: sum(change["section"] == "nodes" and change["sign"] == sign
                        for change in found["changes"]) for sign in "!-+"}
    assert counts["-"] == 1 and counts["+"] == 0 and counts["!"] <= 3, counts
    print(f"{folder.name}: {found['equal_nodes']} nodes equal, {counts['!']} changed, 1 gone")


def main():
    with tempfile.TemporaryDirectory() as name:
        models = Models(Path(name))
        for check in (check_equal, check_signature, check_model, check_weights, check_attributes,
                      check_inserted, check_fused, check_constants, check_bodies, check_nested_bodies,
                      check_functions, check_outputs, check_hostile):
            check(models)
        check_trouble(models, Path(name))
        for folder in sys.argv[2:]:
            check_whole(models, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
