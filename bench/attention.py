#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare the speed and memory of one attention in onnxrun, ONNX Runtime and PyTorch.

Every row is a model of one MultiHeadAttention (com.microsoft); PyTorch runs its
scaled_dot_product_attention on the same sizes. Engines run in processes of their own, one right
after the other and in rotating order. Printed are milliseconds, the rate in GFLOP/s (a causal one
counts half), the largest resident memory in MB, and the median ratio of each rival's time to
onnxrun's: above 1, onnxrun is faster.
"""
import argparse
import fnmatch
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LEAST_RUNS = 5
# name: heads, queries, keys, head size, causal
CASES = {
    "full-128": (12, 128, 128, 64, False),
    "full-512": (12, 512, 512, 64, False),
    "full-4096": (12, 4096, 4096, 64, False),
    "causal-128": (12, 128, 128, 64, True),
    "causal-512": (12, 512, 512, 64, True),
    "causal-4096": (12, 4096, 4096, 64, True),
    "causal-16384": (12, 16384, 16384, 64, True),
    "decode-512": (12, 1, 512, 64, False),
    "decode-4096": (12, 1, 4096, 64, False),
    **{f"head-{size}": (8, 1024, 1024, size, False) for size in (32, 40, 80, 96, 128, 256)},
}


def write_model(path, heads, queries, keys, size, causal):
    import onnx
    from onnx import TensorProto, helper

    def value(name, rows):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, rows, heads * size])

    node = helper.make_node("MultiHeadAttention", ["q", "k", "v"], ["y"], domain="com.microsoft",
                            num_heads=heads, unidirectional=int(causal))
    graph = helper.make_graph([node], "attention", [value("q", queries), value("k", keys),
                                                    value("v", keys)], [value("y", queries)])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


def measure(run, seconds):
    """Milliseconds of each run, for at least the given time."""
    times = []
    run()
    end = time.perf_counter() + seconds
    while len(times) < LEAST_RUNS or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def make_ort(model, case, threads):
    import numpy as np
    import onnxruntime

    heads, queries, keys, size, _ = case
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(1)
    inputs = {name: random.uniform(-1, 1, (1, rows, heads * size)).astype(np.float32)
              for name, rows in (("q", queries), ("k", keys), ("v", keys))}
    return lambda: session.run(None, inputs)


def make_torch(_model, case, threads):
    import torch

    heads, queries, keys, size, causal = case
    torch.set_num_threads(threads)
    q, k, v = (torch.rand(1, heads, rows, size) * 2 - 1 for rows in (queries, keys, keys))
    attention = torch.nn.functional.scaled_dot_product_attention
    return lambda: attention(q, k, v, is_causal=causal)


RIVALS = {"ort": make_ort, "torch": make_torch}


def work(engine, model, name, threads, seconds):
    """What a rival's process does: measure, and print JSON."""
    times = measure(RIVALS[engine](model, CASES[name], threads), seconds)
    print(json.dumps({"median_ms": statistics.median(times), "min_ms": min(times),
                      "peak_rss_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


def ask(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nfailed:\n{done.stderr.strip()}")
    return json.loads(done.stdout)


def compare(name, args, folder):
    heads, queries, keys, size, causal = CASES[name]
    model = str(Path(folder) / f"{name}.onnx")
    write_model(model, *CASES[name])
    common = ["--threads", str(args.threads), "--seconds", str(args.seconds)]
    commands = {"onnxrun": [args.onnxrun, "bench", model, *common, "--json"]}
    for rival, python in (("ort", sys.executable), ("torch", args.torch_python)):
        if python:
            commands[rival] = [python, __file__, "--work", rival, model, name, *common]
    found = {engine: [] for engine in commands}
    order = list(commands)
    for _ in range(args.rounds):
        for engine in order:
            found[engine].append(ask(commands[engine]))
        order = order[1:] + order[:1]
    flops = 4 * heads * queries * keys * size / (2 if causal else 1)
    key = "median_ms" if args.statistic == "median" else "min_ms"
    for engine, results in found.items():
        ms = statistics.median(result[key] for result in results)
        ratio = statistics.median(other[key] / own[key]
                                  for other, own in zip(results, found["onnxrun"], strict=True))
        memory = max(result["peak_rss_bytes"] for result in results) / 1e6
        print(f"{name:14} {engine:8} {ms:10.3f} {flops / ms / 1e6:8.1f} {memory:9.0f} {ratio:7.2f}",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help="patterns; default: all")
    parser.add_argument("--onnxrun", default="build/release/bin/onnxrun")
    parser.add_argument("--torch-python", metavar="PYTHON", help="a Python that has torch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--statistic", choices=["median", "best"], default="median")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(*args.work, args.threads, args.seconds)
        return
    print("case           engine           ms  GFLOP/s  peak MB   ratio")
    with tempfile.TemporaryDirectory() as folder:
        for name in CASES:
            if not args.cases or any(fnmatch.fnmatch(name, case) for case in args.cases):
                compare(name, args, folder)


if __name__ == "__main__":
    main()
