#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that results are the same bits with any number of threads, in each run, and for a row of a
batch alone. Runs the models in the folders that are given, each with its test_data_set_*."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import tensors

THREADS = (1, 2, 3, 4, 8, 1)
COPIES = 3  # rows of the batch that is made of a single one


def signature(onnxdump, model):
    """(inputs, outputs) as onnxdump describes them."""
    text = subprocess.run([onnxdump, model, "--json"], check=True, capture_output=True).stdout
    described = json.loads(text)
    return described["inputs"], described["outputs"]


class Model:
    def __init__(self, commands, path, scratch):
        self.onnxrun = commands / "onnxrun"
        self.path = path
        self.scratch = scratch
        self.inputs, self.outputs = signature(commands / "onnxdump", path)

    def run(self, files, threads):
        """The bytes of each output, as a .npy file."""
        command = [self.onnxrun, "run", self.path, "--threads", str(threads), "--seed", "1"]
        for value, file in zip(self.inputs, files):
            command += ["-i", f"{value['name']}={file}"]
        for index, value in enumerate(self.outputs):
            command += ["-o", f"{value['name']}={self.scratch / f'output_{index}.npy'}"]
        subprocess.run(command, check=True)
        return [(self.scratch / f"output_{index}.npy").read_bytes()
                for index in range(len(self.outputs))]

    def is_batched(self):
        """Whether each input and output begins with the same symbolic dimension."""
        shapes = [value["shape"] for value in self.inputs + self.outputs]
        first = {shape[0] if shape else None for shape in shapes}
        return len(first) == 1 and isinstance(first.pop(), str)

    def write(self, name, shape, values, dtype):
        path = self.scratch / f"{name}.npy"
        tensors.write_npy(path, shape, values, dtype)
        return path


def threads_differ(model, files):
    first = model.run(files, THREADS[0])
    return [threads for threads in THREADS[1:] if model.run(files, threads) != first]


def rows_differ(model, files):
    """Rows of the batch whose results alone are others than within it; None: there is no batch."""
    if not files or not model.is_batched():
        return None
    values = [tensors.read_proto(file)[1:] for file in files]
    count = values[0][0][0]
    if count == 1:
        count = COPIES
        values = [((count, *shape[1:]), flat * count) for shape, flat in values]

    def write_rows(name, begin, end):
        paths = []
        for index, ((shape, flat), value) in enumerate(zip(values, model.inputs)):
            width = len(flat) // count
            paths.append(model.write(f"{name}_{index}", (end - begin, *shape[1:]),
                                     flat[begin * width:end * width], value["dtype"]))
        return paths

    def results(paths):
        return [(len(data), data) for data in
                (tensors.npy_data(output) for output in model.run(paths, 2))]

    together = results(write_rows("batch", 0, count))
    differ = []
    for row in range(count):
        alone = results(write_rows("row", row, row + 1))
        if any(size * count != all_size or data != all_data[row * size:(row + 1) * size]
               for (size, data), (all_size, all_data) in zip(alone, together)):
            differ.append(row)
    return differ


def check(model, data_set):
    """Lines that tell what differs, and whether rows could be checked."""
    files = sorted(data_set.glob("input_*.pb"), key=lambda file: int(file.stem.split("_")[1]))
    lines = [f"with {threads} threads" for threads in threads_differ(model, files)]
    rows = rows_differ(model, files)
    lines += [f"row {row} alone" for row in rows or []]
    return lines, rows is not None


def main():
    commands, folders = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    models = sorted(path for folder in folders for path in folder.rglob("model.onnx"))
    failures = batches = 0
    with tempfile.TemporaryDirectory() as scratch:
        for path in models:
            model = Model(commands, path, Path(scratch))
            lines, has_rows = check(model, path.parent / "test_data_set_0")
            batches += has_rows
            failures += bool(lines)
            for line in lines:
                print(f"{path.parent.name}: other bits {line}")
    print(f"{len(models)} models, {batches} of them with rows of a batch, {failures} failed")
    return 1 if failures or not models else 0


if __name__ == "__main__":
    sys.exit(main())
