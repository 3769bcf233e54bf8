#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up the JUnit files of several ctest runs: names what was skipped or failed, and counts."""
import sys
from pathlib import Path
from xml.etree import ElementTree


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in map(Path, sys.argv[1:]):
        if not path.is_file():
            print(f"failed: {path.parent.name}: ctest wrote no results")
            counts["failed"] += 1
            continue
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            status = {"run": "passed", "fail": "failed"}.get(case.get("status"), "skipped")
            counts[status] += 1
            if status != "passed":
                print(f"{status}: {path.parent.name}: {case.get('name')}")
    print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
