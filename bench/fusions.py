#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does a fusion ever make a model slower? Time models with and without fusions.

Each folder below DIR that has a model.onnx and a test_data_set_0 is run in turns as it is and with
--no-fusion, in a process of its own each time, with the inputs of that data set. A model's result
is the time without fusions over the time with them, each the least of all rounds: above 1, fusions
make it faster. Printed are the models below --bound, least first, then the geometric mean of all.
"""
import argparse
import json
import math
import subprocess
from pathlib import Path

FORMS = {"fused": [], "unfused": ["--no-fusion"]}


def measure(command, folder, inputs, options):
    """The least time of a run in ms, or None if the model cannot be run."""
    done = subprocess.run([command, "bench", folder / "model.onnx", "--json", *inputs, *options],
                          check=False, capture_output=True, text=True)
    return json.loads(done.stdout)["min_ms"] if done.returncode == 0 else None


def named_inputs(command, folder):
    """-i NAME=FILE for each input, in the order of the model: a data set has only numbers."""
    listed = subprocess.run([command.with_name("onnxdump"), folder / "model.onnx", "--json"],
                            check=True, capture_output=True, text=True)
    names = [value["name"] for value in json.loads(listed.stdout)["inputs"]]
    files = [folder / "test_data_set_0" / f"input_{index}.pb" for index in range(len(names))]
    return [word for name, file in zip(names, files, strict=True) if file.exists()
            for word in ("-i", f"{name}={file}")]


def compare(command, folder, args):
    """Time without fusions over time with them, or None."""
    inputs = named_inputs(command, folder)
    options = ["--threads", str(args.threads), "--seconds", str(args.seconds)]
    least = dict.fromkeys(FORMS, math.inf)
    for _ in range(args.rounds):
        for form, flags in FORMS.items():
            time = measure(command, folder, inputs, [*options, *flags])
            if time is None:
                return None
            least[form] = min(least[form], time)
    return least["unfused"] / least["fused"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", type=Path, help="a folder of folders of models")
    parser.add_argument("--build", type=Path, default=Path("build/release"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.1, help="of one measurement (0.1)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bound", type=float, default=0.95, help="print what is below (0.95)")
    args = parser.parse_args()
    command = args.build / "bin" / "onnxrun"
    ratios = {}
    for folder in sorted(model.parent for model in args.dir.glob("*/model.onnx")):
        ratio = compare(command, folder, args)
        if ratio is None:
            print(f"{folder.name}: does not run")
        else:
            ratios[folder.name] = ratio
    for name, ratio in sorted(ratios.items(), key=lambda item: item[1]):
        if ratio < args.bound:
            print(f"{ratio:.2f} {name}")
    mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
    print(f"{len(ratios)} models, fusions make them {mean:.2f} times as fast")


if __name__ == "__main__":
    main()
