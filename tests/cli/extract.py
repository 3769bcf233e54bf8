#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the models that onnxdump --extract writes: that onnx takes them, what is in them, and that
they compute what the whole model does.

    extract.py BIN_DIR MODEL_FOLDER...
"""
import subprocess
import sys
import tempfile
from pathlib import Path

from command import COMMANDS, onnxdump

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CUTS = 6  # places where a whole model is cut in two
FLOAT = TensorProto.FLOAT


def extract(model, cut, to, full_check=True):
    """The part, which onnx has checked, unless it is otherwise said with inference of its types."""
    onnxdump(model, "--extract", cut, "-o", to)
    onnx.checker.check_model(to, full_check=full_check)
    return onnx.load(to, load_external_data=False)


def fails(model, cut, message, status=1, to="failed.onnx"):
    error = onnxdump(model, "--extract", cut, "-o", model.parent / to, status=status).stderr
    assert message in error, f"{cut}: {error}expected a part: {message}"
    assert to != "failed.onnx" or not (model.parent / to).exists(), cut


def run(model, inputs, outputs, scratch):
    """Results of a run of the command, by name."""
    command = [COMMANDS / "onnxrun", "run", model]
    for index, (name, value) in enumerate(inputs.items()):
        np.save(scratch / f"in{index}.npy", value)
        command += ["-i", f"{name}={scratch / f'in{index}.npy'}"]
    for index, name in enumerate(outputs):
        command += ["-o", f"{name}={scratch / f'out{index}.npy'}"]
    subprocess.run(command, check=True, capture_output=True)
    return {name: np.load(scratch / f"out{index}.npy") for index, name in enumerate(outputs)}


def names(values):
    return [value.name for value in values]


def op_types(model):
    return [node.op_type for node in model.graph.node]


def float_value(name, *shape):
    return helper.make_tensor_value_info(name, FLOAT, shape)


def save(path, nodes, inputs, outputs, **options):
    model_options = {"opset_imports": [helper.make_opsetid("", 18)], "ir_version": 9}
    for key in ("functions", "opset_imports", "ir_version"):
        if key in options:
            model_options[key] = options.pop(key)
    graph = helper.make_graph(nodes, "g", inputs, outputs, **options)
    onnx.save(helper.make_model(graph, **model_options), path)
    return path


def weight(name, shape):
    count = int(np.prod(shape))
    return numpy_helper.from_array(np.arange(count, dtype=np.float32).reshape(shape), name)


# ---- one thing each ----


def check_straight(scratch):
    model = save(scratch / "straight.onnx",
                 [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("Relu", ["a"], ["b"]),
                  helper.make_node("Add", ["b", "v"], ["c"]), helper.make_node("Mul", ["c", "z"], ["y"])],
                 [float_value("x", "n", 2), float_value("z", 3)], [float_value("y", "n", 3)],
                 initializer=[weight("w", (2, 3)), weight("v", (3,))], doc_string="words",
                 value_info=[float_value("b", "n", 3), float_value("c", "n", 3)])
    whole = onnx.load(model)
    onnx.save(whole, model)
    part = extract(model, "a..c", scratch / "part.onnx")
    assert op_types(part) == ["Relu", "Add"] and names(part.graph.initializer) == ["v"]
    assert names(part.graph.value_info) == ["b"] and part.graph.doc_string == "words"
    # What is copied is copied byte by byte.
    assert part.graph.node[0] == whole.graph.node[1]
    assert part.graph.initializer[0] == whole.graph.initializer[1]
    assert part.graph.input[0] == float_value("a", "n", 3)
    part = extract(model, "w,x..a,b", scratch / "part.onnx")
    assert part.graph.input[0] == float_value("w", 2, 3) and not part.graph.initializer
    assert part.graph.input[1] == whole.graph.input[0] and names(part.graph.output) == ["a", "b"]
    part = extract(model, "..b", scratch / "part.onnx")
    assert names(part.graph.input) == ["x"] and names(part.graph.initializer) == ["w"]
    part = extract(model, "b,z..", scratch / "part.onnx")
    assert part.graph.output[0] == whole.graph.output[0]
    summary = onnxdump(model, "--extract", "a..c", "-o", scratch / "part.onnx").stdout
    assert summary.endswith("part.onnx: 2 of 4 nodes, 1 weight\n  in   a: float[n, 3]\n"
                            "  out  c: float[n, 3]\n"), summary
    command = [COMMANDS / "onnxdump", model, "--extract", "a..c", "-o", "-"]
    printed = subprocess.run(command, check=True, capture_output=True).stdout
    assert printed == (scratch / "part.onnx").read_bytes()
    for cut, message in (
            ("a..y", '"y" depends on the input "z" of the model as well'),
            ("a,z..c", 'no output depends on "z"'), ("a..x", '"x" is an input of the model'),
            ("a..w", '"w" is a weight of the model'), ("a..d", 'the graph has no value "d"'),
            ("q..c", 'the graph has no value "q"'), ("a,a..c", '"a" is given twice'),
            ("a..a", '"a" is given twice'), ("a..c,c", '"c" is given twice'),
            ("a", "expected IN..OUT"), ("c..b", '"b" depends on the input "x"')):
        fails(model, cut, message)
    fails(model, "a..c", "is the model itself", to="straight.onnx")
    assert onnx.load(model) == whole
    onnxdump(model, "--extract", "a..c", status=1)
    (scratch / "link.onnx").symlink_to(model)
    fails(model, "a..c", "is the model itself", to="link.onnx")


def check_names(scratch):
    """Names with the signs of the argument in them, or such as control a terminal."""
    model = save(scratch / "names.onnx",
                 [helper.make_node("Relu", ["x,1..2\\"], ["\x1b[2J"]),
                  helper.make_node("Relu", ["\x1b[2J"], ["layer/output"])],
                 [float_value("x,1..2\\", 2)], [float_value("layer/output", 2)])
    extract(model, r"x\,1\..2\\..layer/output", scratch / "part.onnx")
    extract(model, "\x1b[2J..", scratch / "part.onnx")
    fails(model, "\x1b[2K..", 'no value "\\x1b[2K"')
    fails(model, "layer/outptu..", 'did you mean "layer/output"?')
    fails(model, "output..", 'did you mean "layer/output"?')


def check_bodies(scratch):
    """What bodies use of the graphs around them belongs to the part; their own names do not."""
    inner = helper.make_graph([helper.make_node("Add", ["a", "t"], ["deep"])], "inner", [],
                              [float_value("deep", 2)])
    then = helper.make_graph(
        [helper.make_node("Mul", ["v", "b"], ["t"]),
         helper.make_node("If", ["c"], ["r"], then_branch=inner, else_branch=inner)],
        "then", [], [float_value("r", 2)], initializer=[weight("v", (2,))])
    other = helper.make_graph([helper.make_node("Identity", ["w"], ["e"])], "else", [],
                              [float_value("e", 2)])
    model = save(scratch / "bodies.onnx",
                 [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Neg", ["a"], ["b"]),
                  helper.make_node("Neg", ["b"], ["unused"]),
                  helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)],
                 [float_value("x", 2), helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
                 [float_value("y", 2), float_value("unused", 2)], initializer=[weight("w", (2,))])
    part = extract(model, "..y", scratch / "part.onnx")
    assert op_types(part) == ["Relu", "Neg", "If"] and names(part.graph.initializer) == ["w"]
    part = extract(model, "a,b,c..y", scratch / "part.onnx")
    assert op_types(part) == ["If"]
    inputs = {"a": np.float32([1, 2]), "b": np.float32([3, 4]), "c": np.bool_(True)}
    assert np.array_equal(run(scratch / "part.onnx", inputs, ["y"], scratch)["y"], [1, 6])
    fails(model, "b,c..y", '"y" depends on the input "x"')


def check_kinds(scratch):
    """Functions, other domains, sequences and optionals, sparse weights, annotations."""
    function = helper.make_function("local", "Twice", ["p"], ["q"],
                                    [helper.make_node("Add", ["p", "p"], ["q"])],
                                    [helper.make_opsetid("", 18)])
    sparse = helper.make_sparse_tensor(
        helper.make_tensor("s", FLOAT, [1], [5.0]),
        helper.make_tensor("s_indices", TensorProto.INT64, [1], [1]), [2])
    note = onnx.TensorAnnotation(tensor_name="a")
    note.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="scale")
    model = save(scratch / "kinds.onnx",
                 [helper.make_node("Twice", ["x"], ["a"], domain="local"),
                  helper.make_node("Add", ["a", "s"], ["b"]),
                  helper.make_node("SequenceConstruct", ["b", "a"], ["q"]),
                  helper.make_node("Optional", ["q"], ["o"]),
                  helper.make_node("OptionalGetElement", ["o"], ["p"]),
                  helper.make_node("ConcatFromSequence", ["p"], ["y"], axis=0)],
                 [float_value("x", 2)], [float_value("y", 4)], functions=[function],
                 opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("local", 1)],
                 initializer=[weight("scale", ())], sparse_initializer=[sparse])
    whole = onnx.load(model)
    whole.graph.quantization_annotation.append(note)
    helper.set_model_props(whole, {"author": "nobody"})
    onnx.save(whole, model)
    # onnx infers no types behind sparse weights.
    part = extract(model, "..b", scratch / "part.onnx", full_check=False)
    assert part.functions == whole.functions and part.opset_import == whole.opset_import
    assert part.metadata_props == whole.metadata_props
    assert part.graph.sparse_initializer == whole.graph.sparse_initializer
    assert part.graph.quantization_annotation[0] == note
    assert names(part.graph.initializer) == ["scale"]
    part = extract(model, "q..y", scratch / "part.onnx")
    assert not part.graph.sparse_initializer
    assert part.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type == FLOAT
    part = extract(model, "o..y", scratch / "part.onnx")
    optional = part.graph.input[0].type.optional_type.elem_type
    assert optional.sequence_type.elem_type.tensor_type.elem_type == FLOAT
    part = extract(model, "x..o", scratch / "part.onnx", full_check=False)
    assert part.graph.output[0].type.HasField("optional_type")


def check_unknown_types(scratch):
    """Operators that this engine lacks: what the file declares counts."""
    nodes = [helper.make_node("Frob", ["x"], ["a"], domain="odd"),
             helper.make_node("Relu", ["a"], ["b"]), helper.make_node("Neg", ["b"], ["y"])]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("odd", 1)]
    model = save(scratch / "odd.onnx", nodes, [float_value("x", 2)], [float_value("y", 2)],
                 opset_imports=opsets, value_info=[float_value("a", 2)])
    assert extract(model, "a..", scratch / "part.onnx").graph.input[0] == float_value("a", 2)
    fails(model, "b..y", 'the type of "b" is not known', status=3)


def check_several_outputs(scratch):
    model = save(scratch / "split.onnx",
                 [helper.make_node("Split", ["x"], ["a", "b"], num_outputs=2),
                  helper.make_node("Add", ["a", "b"], ["y"])],
                 [float_value("x", 4)], [float_value("y", 2)])
    fails(model, "a,x..y", 'the node that computes "a" is needed for another of its outputs')
    assert op_types(extract(model, "a,b..y", scratch / "part.onnx")) == ["Add"]


def check_defaults(scratch):
    """Weights that are inputs too: with defaults, or as all were before IR version 4."""
    model = save(scratch / "old.onnx",
                 [helper.make_node("Add", ["x", "w"], ["a"]), helper.make_node("Neg", ["a"], ["y"])],
                 [float_value("x", 2), float_value("w", 2)], [float_value("y", 2)],
                 initializer=[weight("w", (2,))], ir_version=3,
                 opset_imports=[helper.make_opsetid("", 8)])
    for cut in ("..a", "x..a"):
        part = extract(model, cut, scratch / "part.onnx")
        assert names(part.graph.input) == ["x", "w"] and names(part.graph.initializer) == ["w"]
    part = extract(model, "x,w..a", scratch / "part.onnx")
    assert names(part.graph.input) == ["x", "w"] and not part.graph.initializer


def check_external(scratch):
    """Weights beside the model stay there in its folder, and move into the part elsewhere."""
    folder, elsewhere = scratch / "external", scratch / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    body = helper.make_graph([helper.make_node("Constant", [], ["k"], value=weight("", (2, 2)))],
                             "body", [], [float_value("k", 2, 2)])
    model = save(folder / "whole.onnx",
                 [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("Relu", ["a"], ["b"]),
                  helper.make_node("If", ["c"], ["d"], then_branch=body, else_branch=body),
                  helper.make_node("Add", ["b", "d"], ["e"]), helper.make_node("Mul", ["e", "v"], ["y"])],
                 [float_value("x", 2, 2), helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
                 [float_value("y", 2, 2)], initializer=[weight("v", (2, 2)), weight("w", (2, 2))])
    onnx.save(onnx.load(model), model, save_as_external_data=True, location="weights.bin",
              size_threshold=0, convert_attribute=True)
    kept = onnx.load(model, load_external_data=False)
    # Length is optional.
    del kept.graph.initializer[0].external_data[2:]
    onnx.save(kept, model)
    inputs = {"x": np.float32([[1, 2], [3, 4]]), "c": np.bool_(False)}
    expected = run(model, inputs, ["y"], scratch)["y"]
    part = extract(model, "..y", folder / "part.onnx")
    assert part.graph.initializer == kept.graph.initializer and part.graph.node == kept.graph.node
    assert np.array_equal(run(folder / "part.onnx", inputs, ["y"], scratch)["y"], expected)
    part = extract(model, "..y", elsewhere / "part.onnx")
    assert all(not tensor.external_data and tensor.raw_data for tensor in part.graph.initializer)
    assert b"weights.bin" not in part.SerializeToString()
    assert np.array_equal(run(elsewhere / "part.onnx", inputs, ["y"], scratch)["y"], expected)
    weights = (folder / "weights.bin").read_bytes()
    fails(model, "..y", "holds weights of the model", to="weights.bin")
    assert (folder / "weights.bin").read_bytes() == weights


# ---- whole models ----


def other_inputs(graph, value):
    """The inputs of the model that its outputs need besides a value."""
    producers = {output: node for node in graph.node for output in node.output}
    needed, stack = set(), list(names(graph.output))
    while stack:
        name = stack.pop()
        if name not in needed and name != value:
            needed.add(name)
            stack += producers[name].input if name in producers else []
    return [name for name in names(graph.input) if name in needed]


def check_whole(folder, scratch):
    """The outputs of both parts of a model are those of the whole."""
    path = folder / "model.onnx"
    model = onnx.load(path)
    data = sorted(folder.glob("test_data_set_0/input_*.pb"))
    inputs = {name: numpy_helper.to_array(onnx.load_tensor(file))
              for name, file in zip(names(model.graph.input), data)}
    outputs = names(model.graph.output)
    nodes = [node for node in model.graph.node if node.op_type in ("Add", "MatMul", "Softmax")]
    whole = onnx.load(path)
    cuts = [node.output[0] for node in nodes[:: max(1, len(nodes) // CUTS)]]
    cuts = [cut for cut in cuts if cut not in outputs]
    whole.graph.output.extend(helper.make_empty_tensor_value_info(cut) for cut in cuts)
    onnx.save(whole, scratch / "all.onnx")
    expected = run(scratch / "all.onnx", inputs, outputs + cuts, scratch)
    for cut in cuts:
        first = extract(path, f"..{cut}", scratch / "first.onnx")
        got = run(scratch / "first.onnx",
                  {name: inputs[name] for name in names(first.graph.input)}, [cut], scratch)
        np.testing.assert_allclose(got[cut], expected[cut], rtol=1e-4, atol=1e-5)
        more = other_inputs(model.graph, cut)
        extract(path, ",".join([cut, *more]) + "..", scratch / "second.onnx")
        given = {cut: expected[cut]} | {name: inputs[name] for name in more}
        got = run(scratch / "second.onnx", given, outputs, scratch)
        for name in outputs:
            np.testing.assert_allclose(got[name], expected[name], rtol=1e-4, atol=1e-5)
    print(f"{folder.name}: cut in two at {len(cuts)} places")


def main():
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for check in (check_straight, check_names, check_bodies, check_kinds, check_unknown_types,
                      check_several_outputs, check_defaults, check_external):
            check(scratch)
        for folder in sys.argv[2:]:
            check_whole(Path(folder), scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
