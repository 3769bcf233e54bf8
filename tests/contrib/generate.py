#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ask ONNX Runtime what operators give, and store it in data/OPERATOR.tar.xz.

Archives are made byte for byte the same from the same versions. See README.md.
"""
import argparse
import importlib
import io
import json
import lzma
import sys
import tarfile
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

HERE = Path(__file__).resolve().parent
STANDARD_OPSET = 17


def result_of(name, dtype):
    """An output; ONNX Runtime infers the type where none is given."""
    if dtype is None:
        return onnx.ValueInfoProto(name=name)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, None)


def build(operator, domain, case):
    """The one-node model of a case, the names of its run-time inputs, and its wanted outputs."""
    wanted = case.outputs if isinstance(case.outputs, list) else [True] * case.outputs
    outputs = [f"y{i}" if want else "" for i, want in enumerate(wanted)]
    names = ["" if x is None else f"x{i}" for i, x in enumerate(case.inputs)]
    node = helper.make_node(operator, names, outputs, domain=domain, **case.attributes)
    inputs, initializers = [], []
    for i, x in enumerate(case.inputs):
        if x is None:
            continue
        if i in case.constant:
            initializers.append(numpy_helper.from_array(x, names[i]))
        else:
            kind = helper.np_dtype_to_tensor_dtype(x.dtype)
            inputs.append(helper.make_tensor_value_info(names[i], kind, list(x.shape)))
    results = [result_of(name, case.types.get(i)) for i, name in enumerate(outputs) if name]
    graph = helper.make_graph([node], case.name, inputs, results, initializers)
    versions = {"": STANDARD_OPSET, "com.microsoft": 1}
    versions[domain] = case.version or versions.get(domain, 1)
    opsets = [helper.make_opsetid(*item) for item in versions.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), names


def ask(model, feeds):
    """The outputs as ONNX Runtime computes them, without its graph optimisations."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def files_of(operator, domain, case):
    """The files of a case folder: name and bytes."""
    model, names = build(operator, domain, case)
    feeds = {names[i]: x for i, x in enumerate(case.inputs)
             if x is not None and i not in case.constant}
    results = ask(model, feeds) if case.expected is None else case.expected
    for value, result in zip(model.graph.output, results):
        kind = helper.np_dtype_to_tensor_dtype(result.dtype)
        value.CopyFrom(helper.make_tensor_value_info(value.name, kind, list(result.shape)))
    yield "model.onnx", model.SerializeToString(deterministic=True)
    tolerance = {"rtol": case.rtol, "atol": case.atol}
    yield "data.json", json.dumps(tolerance).encode()
    for i, (name, x) in enumerate(feeds.items()):
        yield f"test_data_set_0/input_{i}.pb", numpy_helper.from_array(x, name).SerializeToString()
    for i, result in enumerate(results):
        yield (f"test_data_set_0/output_{i}.pb",
               numpy_helper.from_array(result).SerializeToString())


def archive(operator):
    module = importlib.import_module(f"cases.{operator}")
    rng = np.random.default_rng(zlib.crc32(operator.encode()))
    plain = io.BytesIO()
    count = 0
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for case in module.cases(rng):
            try:
                files = list(files_of(operator, getattr(module, "DOMAIN", "com.microsoft"), case))
            except Exception as error:  # ONNX Runtime has no narrower type of its own
                raise SystemExit(f"{operator}: {case.name}: {error}") from error
            for name, data in files:
                entry = tarfile.TarInfo(f"{case.name}/{name}")
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
            count += 1
    target = HERE / "data" / f"{operator}.tar.xz"
    target.write_bytes(lzma.compress(plain.getvalue(), preset=9))
    print(f"{operator}: {count} cases, {target.stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("operators", nargs="*", help="names of files in cases (default: all)")
    wanted = parser.parse_args().operators
    sys.path.insert(0, str(HERE))
    for path in sorted((HERE / "cases").glob("*.py")):
        if not wanted or path.stem in wanted:
            archive(path.stem)


if __name__ == "__main__":
    main()
