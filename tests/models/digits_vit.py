#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that both exports of models/digits-vit classify as many test images as PyTorch did."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import tensors


def correct_answers(onnxrun, model, images, labels):
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "logits.npy"
        subprocess.run([onnxrun, "run", model, "-i", f"image={images}", "-o", f"logits={output}"],
                       check=True)
        shape, logits = tensors.read_npy(output)
    answers = [tensors.argmax(row) for row in tensors.rows(shape, logits)]
    return sum(answer == label for answer, label in zip(answers, labels, strict=True))


def main():
    onnxrun, folder = sys.argv[1], Path(sys.argv[2])
    expected = json.loads((folder / "expected.json").read_text(encoding="ascii"))
    _, labels = tensors.read_npy(folder / "test_labels.npy")
    failures = 0
    for name in ("digits-vit-ts.onnx", "digits-vit-dynamo.onnx"):
        correct = correct_answers(onnxrun, folder / name, folder / "test_images.npy", labels)
        print(f"{name}: {correct} of {len(labels)} correct, "
              f"expected {expected['correct']} of {expected['total']}")
        failures += (correct, len(labels)) != (expected["correct"], expected["total"])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
