#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the node tests of an installed ONNX release that ships their generators instead of data.

    generate_node_tests.py DIR     # writes DIR/RELEASE/node/TEST/...

From 1.23 on the tests of operators exist as Python functions only. Does nothing when the folder is
complete. Exit status 69 says that the package onnx of that release is not installed.
"""
import shutil
import sys
import warnings
from pathlib import Path

RELEASE = "1.23.2"
NOT_INSTALLED = 69
DONE = ".complete"


def serialize(value, info):
    """A value of a test as the file that belongs to it."""
    import onnx
    from onnx import numpy_helper
    import numpy

    if isinstance(value, onnx.TensorProto):
        proto = value
    elif info.type.HasField("sequence_type"):
        proto = numpy_helper.from_list(list(value), info.name)
    elif info.type.HasField("optional_type"):
        proto = numpy_helper.from_optional(value, info.name)
    else:
        proto = numpy_helper.from_array(numpy.asarray(value), info.name)
    return proto.SerializeToString()


def write_case(case, folder):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    for number, values in enumerate(case.data_sets):
        data = folder / f"test_data_set_{number}"
        data.mkdir()
        infos = (case.model.graph.input, case.model.graph.output)
        for kind, of_kind, of_model in zip(("input", "output"), values, infos):
            for i, (value, info) in enumerate(zip(of_kind, of_model)):
                (data / f"{kind}_{i}.pb").write_bytes(serialize(value, info))


def main():
    folder = Path(sys.argv[1]) / RELEASE
    done = folder / DONE
    if done.is_file():
        return
    try:
        import onnx
        from onnx.backend.test.case.node import collect_testcases
    except ImportError:
        sys.exit(NOT_INSTALLED)
    if onnx.__version__ != RELEASE:
        print(f"onnx {onnx.__version__} is installed, expected {RELEASE}", file=sys.stderr)
        sys.exit(NOT_INSTALLED)
    warnings.simplefilter("ignore")
    shutil.rmtree(folder, ignore_errors=True)
    for case in collect_testcases():
        write_case(case, folder / "node" / case.name)
    done.touch()
    print(f"{folder}: made")


if __name__ == "__main__":
    main()
