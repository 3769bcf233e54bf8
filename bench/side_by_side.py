#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time onnxrun and its rivals on whole models, side by side; write a table and a picture.

Every engine runs in a process of its own. They take turns, one short sample each, in an order that
rotates from round to round. A run counts only if nothing disturbed it: a loop of multiply-adds ran
at full speed just before and just after the sample, and the engine's threads hardly ever waited for
a processor. Samples without such runs are repeated. bench/README.md explains the figures.
"""
import argparse
import datetime
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from engine import ENGINES
from machine import LONGEST_WAIT, Limits, cpu_facts
from report import write_report
from workloads import WORKLOADS

FOLDER = Path(__file__).resolve().parent
LEAST_ROUNDS = 5
LARGEST_DIFFERENCE = 1e-2  # of outputs, relative to the largest value of the reference's
REFERENCE = "onnxruntime"
WITHOUT_LOAD = ("torch", "tract")  # torch reads no ONNX file, tract not without help


class Engine:
    """A process that runs engine.py; `facts` is its first answer."""

    def __init__(self, name, workload, args):
        self.name = name
        command = [sys.executable, "-B", str(FOLDER / "engine.py"), name, workload.name,
                   str(args.models / f"{workload.model}.onnx"), "--threads", str(args.threads),
                   "--library", args.library]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        self.facts = json.loads(line) if line else {"error": "the process ended"}

    def ask(self, request):
        print(request, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended at {request!r}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def quiet_sample(take, limits, deadline, counts):
    """Median of the runs of take() that no other load disturbed; None at the deadline."""
    while limits.wait_until_fast(deadline):
        times, waits = take()
        quiet = [seconds for seconds, wait in zip(times, waits, strict=True)
                 if wait <= LONGEST_WAIT]
        counts["runs"] += len(times)
        if quiet and limits.is_fast():
            counts["accepted"] += len(quiet)
            return float(np.median(quiet))
    return None


def take_rounds(takers, limits, args, counts):
    """Times of complete rounds, {engine: [seconds]}, until there are enough or patience ends."""
    names = list(takers)
    if not names:
        return {}
    times = {name: [] for name in names}
    deadline = time.monotonic() + args.patience
    for number in range(args.rounds):
        limits.rate("bytes")
        order = names[number % len(names):] + names[:number % len(names)]
        found = {}
        for name in order:
            found[name] = quiet_sample(takers[name], limits, deadline, counts)
            if found[name] is None:
                return times
        for name in names:
            times[name].append(found[name])
    return times


def check_outputs(engines):
    """Largest difference of each engine's first output from the reference's, relative."""
    outputs = {}
    with tempfile.TemporaryDirectory() as scratch:
        for engine in engines:
            file = f"{scratch}/{engine.name}.npy"
            engine.ask(f"output {file}")
            outputs[engine.name] = np.load(file)
    reference = outputs.get(REFERENCE, next(iter(outputs.values())))
    scale = np.abs(reference).max()
    return {name: float(np.abs(output - reference).max() / scale)
            for name, output in outputs.items()}


def start_engines(workload, args, row):
    """The engines that run the workload; the others' reasons go to the row."""
    engines = []
    for name in args.engines:
        engine = Engine(name, workload, args)
        row["engines"][name] = dict(engine.facts)
        if "error" in engine.facts:
            engine.close()
        else:
            engines.append(engine)
    for name, difference in (check_outputs(engines) if engines else {}).items():
        row["engines"][name]["difference"] = difference
        if not difference <= LARGEST_DIFFERENCE:
            row["engines"][name]["error"] = f"wrong output, off by {difference:.2g}"
    return [engine for engine in engines if "error" not in row["engines"][engine.name]]


def measure_runs(workload, limits, args, row):
    engines = start_engines(workload, args, row)

    def taker(engine):
        def take():
            answer = engine.ask(f"sample {args.seconds}")
            return answer["times"], answer["waits"]
        return take

    times = take_rounds({engine.name: taker(engine) for engine in engines}, limits, args,
                        row["counts"])
    for engine in engines:
        row["engines"][engine.name]["peak_bytes"] = engine.ask("memory")["bytes"]
        engine.close()
    return times


def measure_loads(workload, limits, args, row):
    """From opening the file, which is in the page cache, to the first output; fresh processes."""
    def taker(name):
        def take():
            engine = Engine(name, workload, args)
            engine.close()
            if "error" in engine.facts:
                raise SystemExit(f"{name}: {engine.facts['error']}")
            row["engines"][name]["version"] = engine.facts["version"]
            return [engine.facts["seconds"]], [engine.facts["wait"]]
        return take

    names = [name for name in args.engines if name not in WITHOUT_LOAD]
    row["engines"] = {name: {} for name in names}
    return take_rounds({name: taker(name) for name in names}, limits, args, row["counts"])


def measure(workload, limits, args):
    """One row of the results."""
    row = {"name": workload.name, "title": workload.title, "flops": workload.work[0],
           "bytes": workload.work[1], "engines": {}, "counts": {"runs": 0, "accepted": 0}}
    times = (measure_loads if workload.loads else measure_runs)(workload, limits, args, row)
    row["rounds"] = min(map(len, times.values()), default=0)
    row["limits"] = dict(limits.best)
    row["limit_ms"] = limits.seconds(*workload.work) * 1e3
    ours = np.array(times.get("onnxrun", []))
    for name, seconds in times.items():
        facts = row["engines"][name]
        facts["times_ms"] = [value * 1e3 for value in seconds]
        if row["rounds"]:
            facts["median_ms"] = float(np.median(seconds)) * 1e3
            if len(ours):
                ratios = np.array(seconds) / ours
                facts["ratio"] = [float(value) for value in np.percentile(ratios, [10, 50, 90])]
    return row


def export_missing(workloads, folder):
    missing = sorted({workload.model for workload in workloads
                      if not (folder / f"{workload.model}.onnx").exists()})
    if missing:
        subprocess.run([sys.executable, "-B", str(FOLDER / "models.py"), str(folder), *missing],
                       check=True)


def parse_arguments(parser, names, engines, models, rounds, seconds, patience):
    """What this program and sweep.py have in common; the rest are the defaults."""
    parser.add_argument("name", nargs="*", metavar="WORKLOAD",
                        help=f"default: all of {', '.join(names)}")
    parser.add_argument("--engines", default=",".join(engines), metavar="A,B",
                        help=f"default: {','.join(engines)}")
    parser.add_argument("--build", type=Path, default=FOLDER.parent / "build/release",
                        help="build to measure (default: build/release)")
    parser.add_argument("--models", type=Path, default=FOLDER.parent / "build" / models,
                        help="folder of the exported models; missing ones are exported")
    parser.add_argument("--to", type=Path, default=FOLDER / "results", metavar="FOLDER")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=rounds,
                        help=f"at least {LEAST_ROUNDS} (default: {rounds})")
    parser.add_argument("--seconds", type=float, default=seconds,
                        help=f"least length of a sample (default: {seconds})")
    parser.add_argument("--patience", type=float, default=patience,
                        help=f"seconds to wait for quiet rounds of one workload "
                             f"(default: {patience})")
    args = parser.parse_args()
    if args.rounds < LEAST_ROUNDS:
        parser.error(f"--rounds must be at least {LEAST_ROUNDS}")
    for name in args.name:
        if name not in names:
            parser.error(f"no workload {name!r}")
    args.engines = args.engines.split(",")
    for name in args.engines:
        if name not in ENGINES:
            parser.error(f"no engine {name!r}")
    args.library = str(args.build / "lib/libonnxrun.so")
    return args


def load_results(path, args):
    """What an earlier run of this day left, so that single rows can be measured again."""
    name, extensions = cpu_facts()
    if path.exists():
        results = json.loads(path.read_text(encoding="utf-8"))
        if results["threads"] == args.threads and results["extensions"] == extensions:
            return results
    return {"cpu": name, "extensions": extensions, "threads": args.threads, "rows": []}


def store(results, row, path):
    """Replaces the row and writes table, numbers and picture."""
    order = [workload.name for workload in WORKLOADS]
    rows = [old for old in results["rows"] if old["name"] != row["name"]] + [row]
    results["rows"] = sorted(rows, key=lambda item: order.index(item["name"]))
    write_report(results, path)


def file_stem(threads):
    """The machine, as names of files have it."""
    slug = re.sub(r"[^a-z0-9]+", "-", cpu_facts()[0].lower()).strip("-")
    return f"{slug}-{threads}-threads"


def describe(row):
    """One line for the terminal."""
    return f"{row['name']}: " + ", ".join(
        f"{name} {facts['median_ms']:.2f}" if "median_ms" in facts
        else f"{name} - {facts.get('error', '')}" for name, facts in row["engines"].items()) \
        + f"; {row['rounds']} rounds, {row['counts']['accepted']} of {row['counts']['runs']} runs"


def main():
    args = parse_arguments(
        argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0]),
        [workload.name for workload in WORKLOADS], ENGINES, "bench-models",
        rounds=7, seconds=0.1, patience=300)
    workloads = [item for item in WORKLOADS if not args.name or item.name in args.name]
    args.models.mkdir(parents=True, exist_ok=True)
    args.to.mkdir(parents=True, exist_ok=True)
    export_missing(workloads, args.models)

    today = datetime.date.today().isoformat()
    path = args.to / f"{today}-{file_stem(args.threads)}.json"
    results = load_results(path, args)
    results["date"] = today
    limits = Limits(args.build / "bin/bench_limits", args.threads)
    results["isa"] = limits.isa
    for workload in workloads:
        row = measure(workload, limits, args)
        store(results, row, path)
        print(f"limit {row['limit_ms']:.2f} ms, {describe(row)}", flush=True)
    limits.close()
    print(path.with_suffix(".md"))


if __name__ == "__main__":
    main()
