#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare what a call from Python costs in onnxrun and ONNX Runtime: importing, and running one node.

The Python that runs this needs both packages, and numpy and onnx. A run adds two arrays of six
numbers, on one thread; the engines take turns, and of each the fastest turn counts. Importing is
timed in new processes, beyond the time that numpy takes there. With --check the exit status is 1
unless a run costs at most what it does in ONNX Runtime, and importing at most 60 ms.
"""
import argparse
import statistics
import subprocess
import sys
import time

TURNS = 10
RUNS = 5000
MAX_IMPORT_MS = 60
ENGINES = ("onnxrun", "onnxruntime")


def one_node():
    """The bytes of a model that adds."""
    from onnx import parser

    return parser.parse_model('<ir_version: 8, opset_import: ["": 17]> g (float[n, 3] x, '
                              "float[n, 3] y) => (float[n, 3] s) { s = Add(x, y) }"
                              ).SerializeToString()


def run_microseconds():
    """The fastest turn of each engine, per run."""
    import numpy as np

    sessions = {}
    for name in ENGINES:
        engine = __import__(name)
        options = engine.SessionOptions()
        options.intra_op_num_threads = 1
        sessions[name] = engine.InferenceSession(one_node(), options,
                                                 providers=["CPUExecutionProvider"])
    x = np.ones((2, 3), np.float32)
    feed = {"x": x, "y": x}
    turns = {name: [] for name in ENGINES}
    for _ in range(TURNS):
        for name, session in sessions.items():
            begin = time.perf_counter()
            for _ in range(RUNS):
                session.run(None, feed)
            turns[name].append((time.perf_counter() - begin) / RUNS * 1e6)
    return {name: min(times) for name, times in turns.items()}


def import_milliseconds(name):
    """Median time of the import in new processes that have imported numpy."""
    program = ("import time, numpy; begin = time.perf_counter(); "
               f"import {name}; print(time.perf_counter() - begin)")
    return 1000 * statistics.median(
        float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True,
                             text=True).stdout) for _ in range(TURNS))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="fail when onnxrun is too slow")
    args = parser.parse_args()
    runs = run_microseconds()
    imports = {name: import_milliseconds(name) for name in ENGINES}
    for name in ENGINES:
        print(f"{name:12} run {runs[name]:6.2f} us   import {imports[name]:6.1f} ms beyond numpy's")
    is_slow = runs["onnxrun"] > runs["onnxruntime"] or imports["onnxrun"] > MAX_IMPORT_MS
    return 1 if args.check and is_slow else 0


if __name__ == "__main__":
    sys.exit(main())
