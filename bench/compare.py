#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare the speed of onnxrun and ONNX Runtime on one model, side by side.

Each round times both engines once, each in a process of its own, one right after the other and
in alternating order, so that slow drifts of the machine hit both alike. Compared are the medians
of each round, as a ratio: above 1, onnxrun is faster.
"""
import argparse
import json
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

from bench_ort import add_model_arguments

LEAST_ROUNDS = 5
ISA_FLAGS = (
    "sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512vl",
    "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
    "asimd", "asimdhp", "asimddp", "bf16", "i8mm", "sve", "sve2",
)


def describe_cpu():
    """Model name and the vector extensions the kernel reports, from /proc/cpuinfo."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return f"{platform.processor() or platform.machine()}; extensions unknown"
    pairs = [line.split(":", maxsplit=1) for line in text.splitlines() if ":" in line]
    facts = {key.strip(): value.strip() for key, value in reversed(pairs)}
    flags = facts.get("flags", facts.get("Features", "")).split()
    name = facts.get("model name", platform.machine())
    return f"{name}; {' '.join(flag for flag in ISA_FLAGS if flag in flags)}"


def median_ms(command):
    """Run a benchmark command and return the median it reports."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nfailed:\n{done.stderr.strip()}")
    return float(json.loads(done.stdout)["median_ms"])


def commands(args):
    """The command line of each engine, for the same model, sizes, threads and time."""
    dims = [word for dim in args.dim for word in ("-d", dim)]
    common = [args.model, *dims, "--threads", str(args.threads), "--seconds", str(args.seconds)]
    ort = Path(__file__).resolve().with_name("bench_ort.py")
    return {"onnxrun": [args.onnxrun, "bench", *common, "--json"],
            "ort": [sys.executable, str(ort), *common]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    add_model_arguments(parser)
    parser.add_argument("--onnxrun", default="build/release/bin/onnxrun",
                        help="program to compare (default: build/release/bin/onnxrun)")
    parser.add_argument("--rounds", type=int, default=7,
                        help=f"how often to time both, at least {LEAST_ROUNDS} (default: 7)")
    args = parser.parse_args()
    if args.rounds < LEAST_ROUNDS:
        parser.error(f"--rounds must be at least {LEAST_ROUNDS}")

    print(f"cpu     {describe_cpu()}")
    print(f"model   {args.model} {' '.join(args.dim)}, {args.threads} threads")
    print("round   onnxrun ms   onnxruntime ms   ratio")
    engines = commands(args)
    ratios = []
    for number in range(args.rounds):
        order = sorted(engines, reverse=bool(number % 2))
        medians = {engine: median_ms(engines[engine]) for engine in order}
        ratios.append(medians["ort"] / medians["onnxrun"])
        print(f"{number + 1:5} {medians['onnxrun']:12.3f} {medians['ort']:16.3f} "
              f"{ratios[-1]:7.3f}", flush=True)
    low, middle, high = np.percentile(ratios, [10, 50, 90])
    print(f"ratio   median {middle:.3f}, p10 {low:.3f}, p90 {high:.3f} "
          "(onnxruntime / onnxrun; above 1, onnxrun is faster)")


if __name__ == "__main__":
    main()
