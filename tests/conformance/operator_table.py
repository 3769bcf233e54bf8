#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the table of operators: versions, element types, tests passed, largest error.

A test counts for an operator when its model has nodes of that operator alone. Errors are in units in
the last place of the expected numbers, the largest over all elements of passed tests; sums near zero
make them large. Needs the Python package onnx to see what is in a model.
"""
import argparse
import collections
import json
import subprocess
from pathlib import Path

try:
    import onnx
except ImportError as missing:
    raise SystemExit("the table of operators needs the Python package onnx") from missing


def rows_of(onnxdump):
    """(domain, name): [row of a version range, ...]"""
    rows = collections.defaultdict(list)
    text = subprocess.run([onnxdump, "--ops", "--json"], stdout=subprocess.PIPE, check=True).stdout
    for row in json.loads(text):
        rows[row["domain"], row["name"]].append(row)
    return rows


def operator_of(model):
    """The only operator in a model, or None."""
    graph = onnx.load(model, load_external_data=False).graph
    operators = {(node.domain.replace("ai.onnx", "", 1) if node.domain == "ai.onnx" else node.domain,
                  node.op_type) for node in graph.node}
    return operators.pop() if len(operators) == 1 else None


class Tally:
    """What the tests of one operator gave."""

    def __init__(self):
        self.passed = self.total = 0
        self.ulp = 0.0

    def add(self, case):
        self.total += 1
        if case["verdict"] == "passed":
            self.passed += 1
            self.ulp = max(self.ulp, case["max_ulp"])


def run_tests(onnxrun, folders):
    tallies = collections.defaultdict(Tally)
    for folder in folders:
        result = subprocess.run([onnxrun, "test", folder, "--json"], stdout=subprocess.PIPE,
                                check=False)
        if result.returncode not in (0, 4):
            raise SystemExit(f"{onnxrun} test {folder} ended with status {result.returncode}")
        for case in json.loads(result.stdout)["cases"]:
            model = folder / case["name"] / "model.onnx"
            operator = operator_of(model) if model.is_file() else None
            if operator is not None:
                tallies[operator].add(case)
    return tallies


def format_table(rows, tallies):
    yield "| domain | operator | versions | element types of input 0 | tests passed | largest ULP |"
    yield "|---|---|---|---|---|---|"
    for (domain, name), ranges in sorted(rows.items()):
        tally = tallies[domain, name]
        versions = ", ".join(str(row["since"]) for row in sorted(ranges, key=lambda r: r["since"]))
        dtypes = max((row["dtypes"] for row in ranges), key=len)
        tests = f"{tally.passed} of {tally.total}" if tally.total else "-"
        ulp = f"{tally.ulp:.3g}" if tally.ulp else "0" if tally.total else "-"
        yield (f"| {domain or 'ai.onnx'} | {name} | {versions} | {' '.join(dtypes)} | {tests} | "
               f"{ulp} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--onnxrun", required=True)
    parser.add_argument("--onnxdump", required=True)
    parser.add_argument("--to", type=Path, required=True, help="the Markdown file to write")
    parser.add_argument("folders", nargs="+", type=Path, help="of tests")
    args = parser.parse_args()
    rows = rows_of(args.onnxdump)
    tallies = run_tests(args.onnxrun, [folder for folder in args.folders if folder.is_dir()])
    domains = collections.Counter(domain or "ai.onnx" for domain, _ in rows)
    counts = ", ".join(f"{count} of {domain}" for domain, count in sorted(domains.items()))
    args.to.parent.mkdir(parents=True, exist_ok=True)
    args.to.write_text("\n".join(["# Operators", "", f"{len(rows)} operators: {counts}.", "",
                                  *format_table(rows, tallies), ""]))
    print(f"{args.to}: {counts}")


if __name__ == "__main__":
    main()
