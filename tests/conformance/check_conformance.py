#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the tests of an ONNX release and compare the verdicts with the list of those expected not to pass.

Each line of the list is `NAME VERDICT REASON`, where VERDICT is "unsupported" or "failed"; tests
that are not listed must pass. A listed test that passes is an error too, so that the list stays
true. --update writes the list anew; reasons of tests whose verdict stayed are kept.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

HEADER = """\
# The tests of ONNX {version} that do not pass: NAME VERDICT REASON.
# Written by check_conformance.py --update; reasons are edited by hand where the message is not one.
"""


def read_list(path):
    expected = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        parts = line.split(maxsplit=2)
        if len(parts) != 3 or parts[1] not in ("unsupported", "failed"):
            raise SystemExit(f"{path}:{number}: expected NAME unsupported|failed REASON")
        expected[parts[0]] = (parts[1], parts[2])
    return expected


def run_tests(command, data):
    result = subprocess.run([command, "test", data, "--json"], stdout=subprocess.PIPE, check=False)
    if result.returncode not in (0, 4):
        raise SystemExit(f"{command} test ended with status {result.returncode}")
    return json.loads(result.stdout)


def short_reason(message):
    """The message without what varies from case to case."""
    reason = message.split(" at node ")[0]
    for stage in ("load: ", "not supported: "):
        reason = reason.removeprefix(stage)
    return reason.replace("\n", " ")[:100].rstrip()


def update(path, cases, expected):
    lines = []
    for case in cases:
        if case["verdict"] != "passed":
            verdict, reason = expected.get(case["name"], (None, None))
            if verdict != case["verdict"]:
                reason = short_reason(case["message"])
            lines.append(f"{case['name']} {case['verdict']} {reason}\n")
    path.write_text(HEADER.format(version=path.stem) + "".join(lines))


def differences(cases, expected):
    """What differs from the list, one line each."""
    for case in cases:
        want = expected.get(case["name"], ("passed", ""))[0]
        if case["verdict"] != want:
            message = f": {case['message']}" if case["message"] else ""
            yield f"{case['name']}: {case['verdict']}, expected {want}{message}"
    names = {case["name"] for case in cases}
    for name in expected:
        if name not in names:
            yield f"{name}: listed, but there is no such test"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("command", help="the command onnxrun")
    parser.add_argument("data", help="folder of the tests")
    parser.add_argument("list", type=Path, help="list of tests expected not to pass")
    parser.add_argument("--update", action="store_true", help="write the list anew")
    args = parser.parse_args()
    result = run_tests(args.command, args.data)
    expected = read_list(args.list) if args.list.exists() else {}
    if args.update:
        update(args.list, result["cases"], expected)
        lines = []
    else:
        lines = list(differences(result["cases"], expected))
    for line in lines:
        print(line)
    print(f"{result['passed']} passed, {result['failed']} failed, "
          f"{result['unsupported']} unsupported; {len(lines)} differ from {args.list.name}")
    sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
