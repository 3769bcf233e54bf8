#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One engine with one model, in a process of its own, timed on request; for side_by_side.py
and sweep.py.

Prints a line of JSON when the first output is there. Then each line "sample SECONDS" on the
standard input is answered with times of runs, "output FILE" after the first output is written
there, "memory" with the peak of the process.
"""
import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from architectures import SWEEP
from onnxrun_api import Session
from workloads import WORKLOADS

ROWS = {row.name: row for row in [*WORKLOADS, *SWEEP]}
IDLE_SECONDS = 0.3  # longest that engines are known to look for work after a run
WARM_FACTOR = 3  # memory that is touched before a model is loaded, in sizes of its file


class Onnxrun:
    def __init__(self, args, inputs):
        self.session = Session(args.library, args.model, inputs, args.threads)
        self.run, self.output = self.session.run, self.session.first_output

    @staticmethod
    def prepare():
        pass

    def version(self):
        return self.session.isa()


class OnnxRuntime:
    """With the sizes given, and inputs and outputs bound once."""

    @staticmethod
    def prepare():
        import onnxruntime  # noqa: F401

    def __init__(self, args, inputs):
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = args.threads
        options.log_severity_level = 3
        for name, size in args.sizes.items():
            options.add_free_dimension_override_by_name(name, size)
        self.session = ort.InferenceSession(args.model, options,
                                            providers=["CPUExecutionProvider"])
        self.inputs = inputs
        self.run = self.run_first

    def run_first(self):
        import onnxruntime as ort

        names = [value.name for value in self.session.get_outputs()]
        self.values = [ort.OrtValue.ortvalue_from_numpy(value)
                       for value in self.session.run(names, self.inputs)]
        self.binding = self.session.io_binding()
        for name, value in self.inputs.items():
            self.binding.bind_cpu_input(name, value)
        for name, value in zip(names, self.values, strict=True):
            self.binding.bind_ortvalue_output(name, value)
        self.run = self.run_bound

    def run_bound(self):
        self.session.run_with_iobinding(self.binding)

    def output(self):
        return self.values[0].numpy()

    def version(self):
        import onnxruntime

        return onnxruntime.__version__


class OpenVino:
    """In float32 for one request at a time, with the sizes given and all tensors in place."""

    @staticmethod
    def prepare():
        import openvino  # noqa: F401

    def __init__(self, args, inputs):
        import openvino

        core = openvino.Core()
        model = core.read_model(args.model)
        model.reshape({name: list(value.shape) for name, value in inputs.items()})
        compiled = core.compile_model(model, "CPU", {
            "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": args.threads})
        self.request = compiled.create_infer_request()
        for name, value in inputs.items():
            self.request.set_tensor(name, openvino.Tensor(value, shared_memory=True))
        self.run = self.request.infer

    def output(self):
        return self.request.get_output_tensor(0).data

    def version(self):
        import openvino

        return openvino.__version__.split("-", maxsplit=1)[0]


class Torch:
    """The module that was exported, run eagerly."""

    @staticmethod
    def prepare():
        import torch  # noqa: F401
        import transformers  # noqa: F401

    def __init__(self, args, inputs):
        import torch

        from models import build

        torch.set_num_threads(args.threads)
        self.module = build(args.workload.model)
        self.inputs = [torch.from_numpy(value) for value in inputs.values()]

    def run(self):
        import torch

        with torch.inference_mode():
            self.result = self.module(*self.inputs)

    def output(self):
        return (self.result[0] if isinstance(self.result, tuple) else self.result).numpy()

    def version(self):
        import torch

        return torch.__version__


class Tract:
    """On one thread: its interface has no other way.

    It does not accept symbolic shapes that the file declares once sizes are given: reads a copy
    without them.
    """

    @staticmethod
    def prepare():
        import onnx  # noqa: F401
        import tract  # noqa: F401

    def __init__(self, args, inputs):
        import onnx
        import tract

        copy = onnx.load(args.model)
        copy.graph.ClearField("value_info")
        for value in copy.graph.output:
            value.type.tensor_type.ClearField("shape")
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            onnx.save(copy, file.name)
            model = tract.onnx().load(file.name)
        kinds = {"float32": "f32", "int64": "i64"}
        for index in range(model.input_count()):
            value = inputs[model.input_name(index)]
            sizes = ",".join(map(str, value.shape))
            model.set_input_fact(index, f"{sizes},{kinds[value.dtype.name]}")
        self.runnable = model.into_model().into_runnable()
        self.inputs = [inputs[name] for name in inputs]

    def run(self):
        self.result = self.runnable.run(self.inputs)

    def output(self):
        return self.result[0].to_numpy()

    def version(self):
        from importlib.metadata import version

        return version("tract")


ENGINES = {"onnxrun": Onnxrun, "onnxruntime": OnnxRuntime, "openvino": OpenVino, "torch": Torch,
           "tract": Tract}


def waited_seconds():
    """How long the threads of this process were ready to run but had no processor, so far."""
    total = 0
    for task in Path("/proc/self/task").iterdir():
        try:
            total += int((task / "schedstat").read_text(encoding="ascii").split()[1])
        except FileNotFoundError:
            continue  # the thread has ended
    return total / 1e9


def peak_bytes():
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def warm_memory(model):
    """Touch more free memory than a load takes. A virtual machine may have given it back to its
    host, and then the first touch of a page takes ten times as long for whoever comes next."""
    np.ones(WARM_FACTOR * os.path.getsize(model), np.uint8)


def wait_until_idle():
    """Waits for the engine's threads to sleep: some look for work for a while after a run."""
    end = time.perf_counter() + IDLE_SECONDS
    used = 1.0
    while used > 0.05 and time.perf_counter() < end:
        before = time.process_time()
        time.sleep(0.01)
        used = (time.process_time() - before) / 0.01


def sample(engine, seconds):
    """Runs for at least this long, behind one that wakes threads and caches.

    Returns for each its time, and the share of it that threads waited for a processor.
    """
    engine.run()
    times, waits = [], []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        waited = waited_seconds()
        start = time.perf_counter()
        engine.run()
        times.append(time.perf_counter() - start)
        waits.append((waited_seconds() - waited) / times[-1])
    wait_until_idle()
    return {"times": times, "waits": waits}


def answer(engine, line):
    command, _, value = line.strip().partition(" ")
    if command == "sample":
        return sample(engine, float(value))
    if command == "memory":
        return {"bytes": peak_bytes()}
    np.save(value, np.asarray(engine.output(), np.float32).reshape(-1))
    return {}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("workload", choices=ROWS, metavar="workload")
    parser.add_argument("model", help="ONNX file")
    parser.add_argument("--library", help="libonnxrun.so, for the engine onnxrun")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    args.workload = ROWS[args.workload]
    args.sizes = args.workload.sizes

    # Only the protocol goes to the standard output, whatever engines print.
    protocol = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def reply(facts):
        print(json.dumps(facts), file=protocol, flush=True)

    ENGINES[args.engine].prepare()
    inputs = args.workload.inputs()
    if args.workload.loads:
        warm_memory(args.model)
    waited = waited_seconds()
    start = time.perf_counter()
    try:
        engine = ENGINES[args.engine](args, inputs)
        engine.run()
    except Exception as error:  # an engine may refuse the model in any way of its own
        reply({"error": f"{type(error).__name__}: {error}".splitlines()[0]})
        return
    seconds = time.perf_counter() - start
    reply({"version": engine.version(), "seconds": seconds,
           "wait": (waited_seconds() - waited) / seconds})
    for line in sys.stdin:
        reply(answer(engine, line))


if __name__ == "__main__":
    main()
