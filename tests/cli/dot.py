#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that Graphviz takes what onnxdump --dot prints, and draws the boxes that are meant.

    dot.py BIN_DIR MAKE_MODELS MODEL...
"""
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
MAX_BOXES = 320  # of a large model with modules: what is drawn, with inputs, outputs and bodies


def draw(onnxdump, model, *options):
    """What --dot prints, and the picture of it."""
    text = subprocess.run([onnxdump, model, "--dot", *options], check=True, text=True,
                          capture_output=True).stdout
    drawn = subprocess.run(["dot", "-Tsvg"], input=text, check=True, text=True, capture_output=True)
    assert drawn.stderr == "", f"{model}: {drawn.stderr}"
    return text, ElementTree.fromstring(drawn.stdout)


def groups(picture, kind):
    return [group for group in picture.iter(f"{SVG}g") if group.get("class") == kind]


def words(group):
    return ["".join(text.itertext()) for text in group.iter(f"{SVG}text")]


def check_model(onnxdump, model, *options):
    text, picture = draw(onnxdump, model, *options)
    boxes = re.findall(r'^(b\d+) \[.*\];$', text, re.M)
    arrows = re.findall(r'^(b\d+) -> (b\d+) \[.*\];$', text, re.M)
    assert len(boxes) == len(set(boxes)) == len(groups(picture, "node")), model
    assert len(arrows) == len(groups(picture, "edge")), model
    assert set(sum(arrows, ())) <= set(boxes), f"{model}: an arrow without its box"
    assert text.count("subgraph") == len(groups(picture, "cluster")), model
    return boxes, text


def check_hostile(onnxdump, model):
    """Names that end a string, a list or a comment, or that are markup, are shown as they are."""
    _, picture = draw(onnxdump, model)
    boxes = groups(picture, "node")
    assert len(boxes) == 3 and len(groups(picture, "edge")) == 2, [words(box) for box in boxes]
    drawn = {line for box in boxes for line in words(box)}
    for name in (r'"];b0 -> b9;//\: float[2]', r"<b>&lt;\N{}: float[2]"):
        assert name in drawn, (name, drawn)


def main():
    commands, make_models, models = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if shutil.which("dot") is None:
        print("skipped: there is no dot")
        return 77
    onnxdump = commands / "onnxdump"
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([make_models, scratch], check=True)
        for model in sorted(Path(scratch).glob("*.onnx")):
            check_model(onnxdump, model)
        check_hostile(onnxdump, Path(scratch) / "quotes.onnx")
        _, text = check_model(onnxdump, Path(scratch) / "weights.onnx")
        assert text.count("style=dashed") == 2, "the bodies of If are drawn"
        # A value that all layers use is named beside each.
        _, text = check_model(onnxdump, Path(scratch) / "layers.onnx")
        assert text.count("shape=plaintext") == 200, text.count("shape=plaintext")
    for model in models:
        boxes, _ = check_model(onnxdump, model)
        assert len(boxes) <= MAX_BOXES, f"{model}: {len(boxes)} boxes"
        check_model(onnxdump, model, "--stage", "graph")
    return 0


if __name__ == "__main__":
    sys.exit(main())
