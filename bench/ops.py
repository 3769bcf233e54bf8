#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare the speed of onnxrun and ONNX Runtime on single operators; print a markdown table.

Each row is a model of one node, written by this script. Each round times both engines once, one
right after the other and in alternating order: onnxrun in a process of its own, ONNX Runtime in
this one with inputs and outputs bound beforehand, so that neither copies them. A round's result is
the ratio of the two times: above 1, onnxrun is faster.

Threads of ONNX Runtime look for work between runs, those of onnxrun only if they are told to, and
waking them takes as long as the shortest rows. Here those of both stay awake; with --sleep they
sleep.
"""
import argparse
import fnmatch
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from machine import describe_cpu
from node_model import make_model

LEAST_ROUNDS = 5
WARM_UP_RUNS = 3
LEAST_RUNS = 5
SPIN_US = "1000"
RANDOM = np.random.default_rng(1)


def floats(*shape):
    return RANDOM.uniform(-1, 1, shape).astype(np.float32)


def positive(*shape):
    return RANDOM.uniform(0.5, 1.5, shape).astype(np.float32)


def below(limit, *shape):
    return RANDOM.integers(0, limit, shape, dtype=np.int64)


def mask(*shape):
    return RANDOM.integers(0, 2, shape).astype(np.bool_)


def ints(*values):
    return np.array(values, np.int64)


# Name, operator, shapes of the float inputs, then what follows them as constants, attributes.
# Activations are inputs; weights, indices, masks and sizes are constants, as in exported models.
HIDDEN = [8, 128, 768]
IMAGE = [1, 64, 112, 112]
CASES = [
    ("Add, same shape", "Add", [HIDDEN, HIDDEN], [], {}),
    ("Add, row", "Add", [HIDDEN], [floats(768)], {}),
    ("Add, column", "Add", [HIDDEN], [floats(8, 128, 1)], {}),
    ("Mul, scalar", "Mul", [HIDDEN], [floats()], {}),
    ("Div, same shape", "Div", [HIDDEN], [positive(*HIDDEN)], {}),
    ("Pow, 2", "Pow", [HIDDEN], [np.float32(2)], {}),
    ("Where, mask", "Where", [HIDDEN, HIDDEN], [mask(*HIDDEN)], {"first": [2]}),
    ("Sqrt", "Sqrt", [HIDDEN], [], {}),
    ("Exp", "Exp", [HIDDEN], [], {}),
    ("Erf", "Erf", [HIDDEN], [], {}),
    ("Tanh", "Tanh", [HIDDEN], [], {}),
    ("Sigmoid", "Sigmoid", [HIDDEN], [], {}),
    ("Gelu", "Gelu", [HIDDEN], [], {}),
    ("Relu", "Relu", [IMAGE], [], {}),
    ("Clip, 0 to 6", "Clip", [IMAGE], [np.float32(0), np.float32(6)], {}),
    ("Cast, float to half", "Cast", [HIDDEN], [], {"to": onnx.TensorProto.FLOAT16}),
    ("Cast, float to int64", "Cast", [HIDDEN], [], {"to": onnx.TensorProto.INT64}),
    ("Softmax, 128", "Softmax", [[12, 128, 128]], [], {}),
    ("Softmax, 512", "Softmax", [[12, 128, 512]], [], {}),
    ("Softmax, 32000", "Softmax", [[16, 32000]], [], {}),
    ("LayerNormalization, 768", "LayerNormalization", [HIDDEN], [floats(768), floats(768)], {}),
    ("RMSNormalization, 768", "RMSNormalization", [HIDDEN], [floats(768)], {}),
    ("BatchNormalization", "BatchNormalization", [IMAGE],
     [floats(64), floats(64), floats(64), positive(64)], {}),
    ("InstanceNormalization", "InstanceNormalization", [IMAGE], [floats(64), floats(64)], {}),
    ("ReduceMean, last axis", "ReduceMean", [HIDDEN], [ints(2)], {}),
    ("ReduceMean, middle axis", "ReduceMean", [HIDDEN], [ints(1)], {}),
    ("ReduceMean, first axis", "ReduceMean", [HIDDEN], [ints(0)], {}),
    ("ReduceMean, all", "ReduceMean", [HIDDEN], [], {}),
    ("ReduceMax, last axis", "ReduceMax", [HIDDEN], [ints(2)], {}),
    ("ArgMax, 32000", "ArgMax", [[16, 32000]], [], {"axis": -1}),
    ("TopK, 50 of 32000", "TopK", [[16, 32000]], [ints(50)], {}),
    ("CumSum, last axis", "CumSum", [HIDDEN], [ints(2)], {}),
    ("Transpose, 0213", "Transpose", [[8, 128, 12, 64]], [], {"perm": [0, 2, 1, 3]}),
    ("Transpose, 0231", "Transpose", [[8, 128, 12, 64]], [], {"perm": [0, 2, 3, 1]}),
    ("Transpose, 10", "Transpose", [[768, 3072]], [], {"perm": [1, 0]}),
    ("Transpose, NHWC to NCHW", "Transpose", [[1, 224, 224, 3]], [], {"perm": [0, 3, 1, 2]}),
    ("Transpose, NCHW to NHWC", "Transpose", [IMAGE], [], {"perm": [0, 2, 3, 1]}),
    ("Gather, embedding", "Gather", [[8192, 768]], [below(8192, 8, 128)], {}),
    ("GatherElements", "GatherElements", [HIDDEN], [below(128, 8, 32, 768)], {"axis": 1}),
    ("Concat, axis 1", "Concat", [HIDDEN, HIDDEN], [], {"axis": 1}),
    ("Concat, last axis", "Concat", [HIDDEN, HIDDEN], [], {"axis": 2}),
    ("Slice, plain", "Slice", [HIDDEN], [ints(128), ints(640), ints(2)], {}),
    ("Slice, step 2", "Slice", [HIDDEN], [ints(0), ints(768), ints(2), ints(2)], {}),
    ("Split, in 3", "Split", [HIDDEN], [ints(256, 256, 256)], {"axis": 2, "outputs": 3}),
    ("Expand", "Expand", [[8, 1, 768]], [ints(8, 128, 768)], {}),
    ("Pad, 1 around", "Pad", [IMAGE], [ints(0, 0, 1, 1, 0, 0, 1, 1)], {}),
    ("Tile", "Tile", [[8, 1, 768]], [ints(1, 128, 1)], {}),
    ("Conv, 3x3 64", "Conv", [[1, 64, 56, 56]], [floats(64, 64, 3, 3), floats(64)],
     {"pads": [1, 1, 1, 1]}),
    ("Conv, 1x1 256 to 64", "Conv", [[1, 256, 56, 56]], [floats(64, 256, 1, 1), floats(64)], {}),
    ("Conv, 7x7 stride 2", "Conv", [[1, 3, 224, 224]], [floats(64, 3, 7, 7), floats(64)],
     {"pads": [3, 3, 3, 3], "strides": [2, 2]}),
    ("Conv, 3x3 depthwise", "Conv", [IMAGE], [floats(64, 1, 3, 3), floats(64)],
     {"pads": [1, 1, 1, 1], "group": 64}),
    ("Conv, 3x3 depthwise stride 2", "Conv", [IMAGE], [floats(64, 1, 3, 3), floats(64)],
     {"pads": [1, 1, 1, 1], "strides": [2, 2], "group": 64}),
    ("Conv, speech stem", "Conv", [[1, 80, 3000]], [floats(384, 80, 3), floats(384)],
     {"pads": [1, 1]}),
    ("Conv, audio stem stride 5", "Conv", [[1, 1, 16000]], [floats(512, 1, 10), floats(512)],
     {"strides": [5]}),
    ("Conv, 3x3 in 32 groups", "Conv", [[1, 128, 56, 56]], [floats(128, 4, 3, 3), floats(128)],
     {"pads": [1, 1, 1, 1], "group": 32}),
    ("Conv, 16x16 patches", "Conv", [[1, 3, 224, 224]], [floats(768, 3, 16, 16), floats(768)],
     {"strides": [16, 16]}),
    ("ConvTranspose, 2x", "ConvTranspose", [[1, 64, 56, 56]], [floats(64, 32, 4, 4), floats(32)],
     {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    ("MaxPool, 3x3 stride 2", "MaxPool", [IMAGE], [],
     {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("AveragePool, 2x2 stride 2", "AveragePool", [IMAGE], [],
     {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("AveragePool, 3x3", "AveragePool", [IMAGE], [],
     {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("GlobalAveragePool", "GlobalAveragePool", [[1, 2048, 7, 7]], [], {}),
    ("Gemm, 128x768x768", "Gemm", [[128, 768]], [floats(768, 768), floats(768)], {}),
    ("Gemm, 1 row by activations", "Gemm", [[1, 768], [768, 3072]], [], {}),
    ("Gemm, 16 rows by activations", "Gemm", [[16, 768], [768, 3072]], [], {}),
    ("Gemm, 128 rows by activations", "Gemm", [[128, 768], [768, 3072]], [], {}),
    ("Gemm, 1 row transposed", "Gemm", [[1, 768], [3072, 768]], [], {"transB": 1}),
    ("Gemm, 4 rows transposed", "Gemm", [[4, 768], [3072, 768]], [], {"transB": 1}),
    ("Gemm, 16 rows transposed", "Gemm", [[16, 768], [3072, 768]], [], {"transB": 1}),
    ("Gemm, 128 rows transposed", "Gemm", [[128, 768], [3072, 768]], [], {"transB": 1}),
    ("Gemm, 128 columns transposed", "Gemm", [[768, 128], [768, 768]], [], {"transA": 1}),
    ("MatMul, heads", "MatMul", [[12, 128, 64], [12, 64, 128]], [], {}),
    ("MatMul, values of heads", "MatMul", [[12, 128, 128], [12, 128, 64]], [], {}),
    ("MatMul, heads of 16", "MatMul", [[12, 16, 64], [12, 64, 16]], [], {}),
    ("MatMul, heads of 512", "MatMul", [[12, 512, 64], [12, 64, 512]], [], {}),
]


class OrtRunner:
    """ONNX Runtime with inputs and outputs bound once."""

    def __init__(self, path, threads, sleep):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0" if sleep else "1")
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(path, options,
                                                    providers=["CPUExecutionProvider"])
        self.values = {value.name: floats(*value.shape) for value in self.session.get_inputs()}
        self.binding = self.session.io_binding()
        for name, value in self.values.items():
            self.binding.bind_cpu_input(name, value)
        names = [value.name for value in self.session.get_outputs()]
        for name, value in zip(names, self.session.run(names, self.values)):
            self.binding.bind_ortvalue_output(name,
                                              onnxruntime.OrtValue.ortvalue_from_numpy(value))

    def sample(self, seconds):
        """Microseconds of each run, for at least the given time."""
        for _ in range(WARM_UP_RUNS):
            self.session.run_with_iobinding(self.binding)
        times = []
        end = time.perf_counter() + seconds
        while len(times) < LEAST_RUNS or time.perf_counter() < end:
            start = time.perf_counter()
            self.session.run_with_iobinding(self.binding)
            times.append((time.perf_counter() - start) * 1e6)
        return {"median": float(np.median(times)), "best": min(times)}


def wait_until_idle():
    """Waits for this process's threads to sleep: ONNX Runtime's spin for a while after a run."""
    used = 1.0
    while used > 0.05:
        before = time.process_time()
        time.sleep(0.02)
        used = (time.process_time() - before) / 0.02


def run_onnxrun(args, path):
    """Microseconds of a run, and the instruction set in use."""
    command = [args.onnxrun, "bench", path, "--json", "--threads", str(args.threads),
               "--seconds", str(args.seconds), "--spin", "0" if args.sleep else SPIN_US]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nfailed:\n{done.stderr.strip()}")
    result = json.loads(done.stdout)
    return {"median": result["median_ms"] * 1e3, "best": result["min_ms"] * 1e3,
            "isa": result["isa"]}


def measure(args, path):
    """The times of all rounds, [rounds][2], and the instruction set."""
    ort = OrtRunner(path, args.threads, args.sleep)
    times = []
    for number in range(args.rounds):
        wait_until_idle()
        if number % 2 == 0:
            ours = run_onnxrun(args, path)
            theirs = ort.sample(args.seconds)
        else:
            theirs = ort.sample(args.seconds)
            wait_until_idle()
            ours = run_onnxrun(args, path)
        times.append((ours[args.statistic], theirs[args.statistic]))
    return np.array(times), ours["isa"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("pattern", nargs="*", default=["*"], metavar="NAME",
                        help="rows to measure, with * for any text (default: all)")
    parser.add_argument("--onnxrun", default="build/release/bin/onnxrun",
                        help="program to compare (default: build/release/bin/onnxrun)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7,
                        help=f"how often to time both, at least {LEAST_ROUNDS} (default: 7)")
    parser.add_argument("--seconds", type=float, default=0.2,
                        help="time to measure each for in a round (default: 0.2)")
    parser.add_argument("--statistic", choices=("median", "best"), default="median",
                        help="what stands for a round: its median run, or its fastest, which "
                        "says more on a machine with other load (default: median)")
    parser.add_argument("--sleep", action="store_true",
                        help="let the threads of both sleep between runs")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the models here")
    args = parser.parse_args()
    if args.rounds < LEAST_ROUNDS:
        parser.error(f"--rounds must be at least {LEAST_ROUNDS}")
    return args


def main():
    args = parse_arguments()
    cases = [case for case in CASES
             if any(fnmatch.fnmatchcase(case[0], pattern) for pattern in args.pattern)]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for name, op, shapes, constants, attributes in cases:
            path = str(folder / f"{name.replace(', ', '_').replace(' ', '_').lower()}.onnx")
            onnx.save(make_model(op, shapes, constants, attributes), path)
            times, isa = measure(args, path)
            ratios = times[:, 1] / times[:, 0]
            if not rows:
                between = "sleep" if args.sleep else "stay awake"
                print(f"{describe_cpu()}; onnxrun with {isa}, onnxruntime "
                      f"{onnxruntime.__version__}, {args.threads} threads that {between} "
                      f"between runs, {args.rounds} rounds\n")
                print(f"| operator | onnxrun {args.statistic} us | onnxruntime us | ratio "
                      "| p10 | p90 |\n|---|---:|---:|---:|---:|---:|")
            middle = np.median(times, axis=0)
            low, ratio, high = np.percentile(ratios, [10, 50, 90])
            rows.append(ratio)
            print(f"| {name} | {middle[0]:.1f} | {middle[1]:.1f} | {ratio:.2f} "
                  f"| {low:.2f} | {high:.2f} |", flush=True)
    print(f"\n{len(rows)} rows, {sum(ratio < 0.8 for ratio in rows)} below 0.8, geometric mean "
          f"{np.exp(np.mean(np.log(rows))):.2f}")


if __name__ == "__main__":
    main()
