#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fail if onnxrun has become much slower, as a share of what this machine can do.

A few operators are timed in turns with loops of multiply-adds and of memory reads (bench_limits).
Compared are the best runs that nothing disturbed, with margins that no noise bridges; never
absolute times. Exit status 77, skipped: a package is missing, or the machine was too busy.
"""
import argparse
import sys
import tempfile
import time
from pathlib import Path

try:
    import numpy as np
    import onnx

    from engine import sample
    from machine import LONGEST_WAIT, Limits
    from node_model import make_model
    from onnxrun_api import Session
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

SKIPPED = 77
ROUNDS = 5
SECONDS = 0.05
FLOAT = 4


def floats(*shape):
    return np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)


# Name, arguments of make_model, FLOP, bytes, and the share of the limit below which it fails: half
# of what is measured on the processors at hand, and less, so that it is the code that has changed.
CASES = [
    ("MatMul, 128 x 3072 x 768", ("MatMul", [[128, 768]], [floats(768, 3072)], {}),
     2 * 128 * 3072 * 768, 0, 0.4),
    ("MatMul, one row", ("MatMul", [[1, 4096]], [floats(4096, 8192)], {}),
     0, FLOAT * 4096 * 8192, 0.4),
    ("Attention, causal, T = 1024",
     ("Attention", [[1, 12, 1024, 64]] * 3, [], {"is_causal": 1}), 4 * 12 * 64 * 1024 * 513, 0,
     0.3),
    ("LayerNormalization, 16 M", ("LayerNormalization", [[16384, 1024]],
                                  [floats(1024), floats(1024)], {}),
     0, FLOAT * 2 * 16384 * 1024, 0.25),
]


def quiet_runs(session, limits, deadline):
    """Seconds of runs that no other load disturbed; none at the deadline."""
    while limits.wait_until_fast(deadline):
        answer = sample(session, SECONDS)
        quiet = [seconds for seconds, wait in zip(answer["times"], answer["waits"], strict=True)
                 if wait <= LONGEST_WAIT]
        if quiet:
            return quiet
    return []


def measure(args, limits, folder):
    """Least seconds of each case; None if the machine was not quiet long enough."""
    sessions = []
    for index, (_, arguments, *_) in enumerate(CASES):
        path = folder / f"{index}.onnx"
        onnx.save(make_model(*arguments), path)
        shapes = arguments[1]
        inputs = {f"x{i}": floats(*shape) for i, shape in enumerate(shapes)}
        sessions.append(Session(args.build / "lib/libonnxrun.so", path, inputs, args.threads))
    best = [float("inf")] * len(CASES)
    deadline = time.monotonic() + args.patience
    for _ in range(ROUNDS):
        limits.rate("bytes")
        for index, session in enumerate(sessions):
            runs = quiet_runs(session, limits, deadline)
            if not runs:
                return None
            best[index] = min(best[index], *runs)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=Path, default=Path("build/release"),
                        help="build to measure (default: build/release)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--patience", type=float, default=30,
                        help="seconds to wait for a quiet machine (default: 30)")
    args = parser.parse_args()
    limits = Limits(args.build / "bin/bench_limits", args.threads)
    with tempfile.TemporaryDirectory() as scratch:
        best = measure(args, limits, Path(scratch))
    limits.close()
    if best is None:
        print("skipped: the machine is not quiet")
        return SKIPPED
    print(f"{limits.best['flops']:.1f} GFLOP/s, {limits.best['bytes']:.1f} GB/s, {limits.isa}")
    slow = 0
    for (name, _, flops, size, floor), seconds in zip(CASES, best, strict=True):
        share = limits.seconds(flops, size) / seconds
        slow += share < floor
        print(f"{'slow' if share < floor else 'ok':4}  {name}: {100 * share:.0f} % of the limit, "
              f"at least {100 * floor:.0f} %")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
