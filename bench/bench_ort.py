#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time a model in ONNX Runtime the way `onnxrun bench` times it in onnxrun; print JSON.

Inputs: floats random in [-1, 1), integers and booleans one. Loading and warm-up are not timed.
"""
import argparse
import json
import statistics
import time

import numpy as np
import onnxruntime

WARM_UP_RUNS = 3
LEAST_RUNS = 5
DTYPES = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
    "tensor(int8)": np.int8, "tensor(int16)": np.int16, "tensor(int32)": np.int32,
    "tensor(int64)": np.int64, "tensor(uint8)": np.uint8, "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32, "tensor(uint64)": np.uint64, "tensor(bool)": np.bool_,
}


def add_model_arguments(parser):
    """The arguments that say what to run; compare.py takes the same."""
    parser.add_argument("model", metavar="MODEL", help="ONNX file")
    parser.add_argument("-d", "--dim", action="append", default=[], metavar="NAME=SIZE",
                        help="size of a symbolic dimension; repeat for each")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3.0,
                        help="time to measure for, after warm-up (default: 3)")


def parse_dims(pairs):
    """["batch=1", ...] -> {"batch": 1, ...}"""
    return {name: int(size) for name, size in (pair.split("=", maxsplit=1) for pair in pairs)}


def make_input(value, dims, random):
    missing = [name for name in value.shape if isinstance(name, str) and name not in dims]
    if missing:
        raise SystemExit(f"input {value.name}: give the size of {missing[0]!r} with -d")
    shape = [dims[size] if isinstance(size, str) else size for size in value.shape]
    dtype = DTYPES[value.type]
    if np.issubdtype(dtype, np.floating):
        return random.uniform(-1, 1, shape).astype(dtype)
    return np.ones(shape, dtype)


def measure(session, inputs, seconds):
    """Milliseconds of each run, for at least the given time."""
    for _ in range(WARM_UP_RUNS):
        session.run(None, inputs)
    times = []
    end = time.perf_counter() + seconds
    while len(times) < LEAST_RUNS or time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, inputs)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    add_model_arguments(parser)
    args = parser.parse_args()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(args.model, options,
                                           providers=["CPUExecutionProvider"])
    random = np.random.default_rng(1)
    dims = parse_dims(args.dim)
    inputs = {value.name: make_input(value, dims, random) for value in session.get_inputs()}
    times = measure(session, inputs, args.seconds)
    print(json.dumps({"engine": "onnxruntime", "version": onnxruntime.__version__,
                      "threads": args.threads, "runs": len(times),
                      "median_ms": statistics.median(times)}))


if __name__ == "__main__":
    main()
