#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time onnxrun and its rivals on many architectures, side by side; write a table.

The models are those of architectures.py, written by one of torch's exporters. They are measured
as side_by_side.py measures, with shorter samples. What was measured is kept beside the models; the
table has all rows of the day.
"""
import argparse
import datetime
import json
import math
import subprocess
import sys

from architectures import ARCHITECTURES, EXPORTERS, SWEEP
from machine import Limits
from report import OURS, fastest_rival, refusals, time_cell, versions
from side_by_side import FOLDER, describe, file_stem, load_results, measure, parse_arguments

COMPARED = (OURS, "onnxruntime", "openvino")
EXPORTED_AT_ONCE = 4  # models in one process: torch takes seconds to import, and memory to export


def export_missing(models, folder, exporter):
    """Exports what is not there and has not failed before; deleting NAME.error tries again."""
    missing = [name for name in models if not (folder / f"{name}.onnx").exists()
               and not (folder / f"{name}.error").exists()]
    for start in range(0, len(missing), EXPORTED_AT_ONCE):
        subprocess.run([sys.executable, "-B", str(FOLDER / "models.py"), "--exporter", exporter,
                        str(folder), *missing[start:start + EXPORTED_AT_ONCE]], check=False)


def ratio(row):
    """The fastest rival's time over ours, with its 10th and 90th percentile; None without both."""
    rival = fastest_rival(row)
    if rival is None or "median_ms" not in row["engines"].get(OURS, {}):
        return None
    return row["engines"][rival]["ratio"]


def is_settled(row):
    """Whether another try would hardly tell more."""
    return ratio(row) is not None or OURS not in row["engines"] \
        or "error" in row["engines"][OURS]


def table(rows):
    """Markdown of measured rows, those first where onnxrun does least well."""
    lines = ["| model, batch x sequence (x target) | "
             + " | ".join(f"{name} ms" for name in COMPARED)
             + " | fastest rival / onnxrun | p10–p90 |",
             "|---|" + "---:|" * (len(COMPARED) + 1) + "---|"]
    for row in sorted(rows, key=lambda item: ratio(item)[1]):
        low, middle, high = ratio(row)
        cells = [row["title"], *(time_cell(row, name) for name in COMPARED),
                 f"**{middle:.2f}** {fastest_rival(row)}", f"{low:.2f}–{high:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def summary(rows):
    if not rows:
        return "No row was measured."
    ratios = [ratio(row)[1] for row in rows]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    wins = sum(value >= 1 for value in ratios)
    return (f"{wins} of {len(ratios)} rows have a ratio of at least 1.00; "
            f"the geometric mean is {mean:.3f}.")


def export_failures(folder):
    return [f"- {name}: {(folder / f'{name}.error').read_text(encoding='utf-8').strip()}"
            for name in ARCHITECTURES if (folder / f"{name}.error").exists()]


def markdown(results, folder):
    rows = [row for row in results["rows"] if ratio(row)]
    others = [f"- {row['title']}" for row in results["rows"] if not is_settled(row)]
    lines = [
        f"# {len(ARCHITECTURES)} architectures, exporter {results['exporter']}, "
        f"{results['threads']} threads, float32, {results['date']}", "",
        f"{results['cpu']}, {results['extensions']}; onnxrun with {results['isa']}. "
        f"Rivals: {versions(results)}. `bench/sweep.py --exporter {results['exporter']}` writes "
        "this; `bench/README.md` explains it.", "", summary(rows), "", *table(rows), ""]
    for title, items in (("Not run:", refusals(results)), ("Not measured in peace:", others),
                         ("Not exported:", export_failures(folder))):
        lines += [title, "", *items, ""] if items else []
    return "\n".join(lines)


def store(results, row, path):
    order = [workload.name for workload in SWEEP]
    rows = [old for old in results["rows"] if old["name"] != row["name"]] + [row]
    results["rows"] = sorted(rows, key=lambda item: order.index(item["name"]))
    path.write_text(json.dumps(results) + "\n", encoding="utf-8")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--exporter", choices=EXPORTERS, default=EXPORTERS[0])
    parser.add_argument("--continue", action="store_true", dest="resume",
                        help="leave out what was measured today")
    return parse_arguments(parser, [workload.name for workload in SWEEP], COMPARED,
                           "bench-architectures", rounds=5, seconds=0.05, patience=30)


def main():
    args = arguments()
    args.models = args.models / args.exporter
    args.models.mkdir(parents=True, exist_ok=True)
    args.to.mkdir(parents=True, exist_ok=True)
    workloads = [item for item in SWEEP if not args.name or item.name in args.name]
    export_missing(dict.fromkeys(item.model for item in workloads), args.models, args.exporter)

    today = datetime.date.today().isoformat()
    stem = f"{today}-{file_stem(args.threads)}"
    results = load_results(args.models / f"{stem}.json", args)
    results.update(date=today, exporter=args.exporter)
    done = {row["name"] for row in results["rows"] if is_settled(row)} if args.resume else ()
    limits = Limits(args.build / "bin/bench_limits", args.threads)
    results["isa"] = limits.isa
    for workload in workloads:
        if workload.name not in done and (args.models / f"{workload.model}.onnx").exists():
            row = measure(workload, limits, args)
            store(results, row, args.models / f"{stem}.json")
            print(describe(row), flush=True)
    limits.close()
    path = args.to / f"architectures-{args.exporter}-{stem}.md"
    path.write_text(markdown(results, args.models), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
