#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that trained models give ONNX Runtime's answers, as tests/models/reference.py stored them.

    trained.py ONNXRUN REFERENCE                the models of tools/fetch_models.py
    trained.py ONNXRUN REFERENCE --exported     those of tests/models/export_trained.py

Every row along the last axis must point in the same direction (cosine >= 0.999999), differ by 1e-3 of
its largest value at most and, where the first output says labels or tokens, have that at the same
place. Exit status 77: there is nothing stored.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import tensors

MODELS = ("paraphrase-minilm-l3", "minilm-l6-int8", "magika", "akiki-vad", "arname-encoder",
          "arname-decoder")
EXPORTED = ("minilm-l6-ts17", "minilm-l6-dyn18", "rxnmapper-ts14", "rxnmapper-dyn23",
            "uzmorph-ts17", "uzmorph-dyn18", "smollm2-135m", "smollm2-135m-4bit")
LABELLED = ("magika", "arname-decoder", "rxnmapper", "uzmorph", "smollm2")
MIN_COSINE = 0.999999
MAX_DIFFERENCE = 1e-3
SKIPPED = 77


def run(onnxrun, model, data_set):
    """Returns [(name, shape, values, expected values)] of each output."""
    inputs = [part for path in sorted(data_set.glob("input_*.pb"))
              for part in ("-i", f"{tensors.read_proto(path)[0]}={path}")]
    expected = [tensors.read_proto(path) for path in sorted(data_set.glob("output_*.pb"))]
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(scratch) / f"{index}.npy" for index in range(len(expected))]
        outputs = [part for (name, _, _), file in zip(expected, files)
                   for part in ("-o", f"{name}={file}")]
        subprocess.run([onnxrun, "run", model, *inputs, *outputs], check=True)
        got = [tensors.read_npy(file) for file in files]
    for (name, shape, _), (got_shape, _) in zip(expected, got):
        assert got_shape == shape, f"{name}: shape {got_shape}, expected {shape}"
    return [(name, shape, values, want)
            for (name, shape, want), (_, values) in zip(expected, got)]


def difference(got, want):
    """The largest difference, relative to the largest value of the row."""
    size = max(abs(value) for value in want)
    return max(abs(a - b) for a, b in zip(got, want)) / (size or 1)


def check(onnxrun, folder):
    """Prints a line per data set; returns the number of data sets that differ."""
    failures = 0
    for data_set in sorted(folder.glob("test_data_set_*")):
        outputs = [list(zip(tensors.rows(shape, got), tensors.rows(shape, want)))
                   for _, shape, got, want in run(onnxrun, folder / "model.onnx", data_set)]
        least = min(tensors.cosine(*pair) for pairs in outputs for pair in pairs)
        most = max(difference(*pair) for pairs in outputs for pair in pairs)
        good = least >= MIN_COSINE and most <= MAX_DIFFERENCE
        text = (f"{folder.name}/{data_set.name}: outputs: {len(outputs)}, cosine >= {least:.9f}, "
                f"difference <= {most:.1e}")
        if folder.name.startswith(LABELLED):
            labels = sum(tensors.argmax(a) == tensors.argmax(b) for a, b in outputs[0])
            good = good and labels == len(outputs[0])
            text += f", {labels} of {len(outputs[0])} labels agree"
        print(text if good else f"{text}: WRONG")
        failures += not good
    return failures


def main():
    onnxrun, reference = sys.argv[1], Path(sys.argv[2])
    models = EXPORTED if sys.argv[3:] == ["--exported"] else MODELS
    absent = [name for name in models if not (reference / name / "test_data_set_0").is_dir()]
    if absent:
        print(f"skipped: no stored answers of {', '.join(absent)} under {reference}; "
              "tools/test fetches the models and makes them")
        return SKIPPED
    return 1 if sum(check(onnxrun, reference / name) for name in models) else 0


if __name__ == "__main__":
    sys.exit(main())
