# SPDX-License-Identifier: Apache-2.0
"""Computes values inside a model with ONNX Runtime, for `onnxrun compare` (reference.h).

It is a part of the command, which hands it to Python. All numbers are of 64 bits; a text is its
length and its bytes. Each value goes out as a TensorProto, behind its size.
"""
import sys

sys.path[:] = [folder for folder in sys.path if folder]  # nothing out of the current folder

import ctypes
import os
import signal
import struct

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the command says what there is to say

NONE, ERROR = -1, -2
STRING = 8
# Names for numpy of element types, by their numbers in ONNX; the bytes of types that it lacks.
TYPES = {1: "f4", 2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8",
         12: "u4", 13: "u8", 14: "c8", 15: "c16"}
CARRIERS = {16: "u2", 17: "u1", 18: "u1", 19: "u1", 20: "u1"}

requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # what others print shall not get among the replies


# ---- the request ----

def number():
    return struct.unpack("=q", requests.read(8))[0]


def text():
    return requests.read(number())


# ---- protobuf: as much as is needed to make values outputs of a model, and to send tensors ----

def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def head(field, size):
    """What stands before a field of this many bytes."""
    return varint(field << 3 | 2) + varint(size)


def message(field, data):
    return head(field, len(data)) + data


def fields(data):
    """(number, content) of the fields that have bytes."""
    at = 0

    def read():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = read()
        if key & 7 == 2:
            size = read()
            yield key >> 3, data[at:at + size]
            at += size
        elif key & 7 == 0:
            read()
        else:
            at += {1: 8, 5: 4}[key & 7]


def tensor(kind, shape, data):
    """A TensorProto, or its beginning when data is only that of its last field."""
    return b"".join(b"\x08" + varint(dim) for dim in shape) + b"\x10" + varint(kind) + data


def string_tensor(shape, items):
    return tensor(STRING, shape, b"".join(message(6, item) for item in items))


def names_in(model):
    """Names of what the nodes of the main graph compute, and of its outputs."""
    computed, declared = set(), set()
    for field, graph in fields(memoryview(model)):
        for inner, part in fields(graph) if field == 7 else ():
            if inner == 1:
                computed.update(bytes(name) for kind, name in fields(part) if kind == 2)
            elif inner == 12:
                declared.update(bytes(name) for kind, name in fields(part) if kind == 1)
    return computed, declared


# ---- the replies ----

def send(value):
    """An OrtValue, or None, as a TensorProto."""
    if value is None or not value.has_value() or not value.is_tensor():
        replies.write(struct.pack("=q", NONE))
        return
    size = 0
    if value.element_type() == STRING:
        data = string_tensor(value.shape(), [item.encode() for item in value.numpy().ravel()])
    else:
        size = value.tensor_size_in_bytes()
        data = tensor(value.element_type(), value.shape(), head(9, size))
    replies.write(struct.pack("=q", len(data) + size) + data)
    if size > 0:
        replies.write((ctypes.c_char * size).from_address(value.data_ptr()))


def batches(wants, limit):
    """Lists of names that follow each other and take no more bytes together than the limit."""
    batch, total = [], 0
    for size, name in wants:
        if batch and total + size > limit:
            yield batch
            batch, total = [], 0
        batch.append(name)
        total += size
    if batch:
        yield batch


def string_value(ort, shape, items):
    """An OrtValue of strings: ONNX Runtime makes it only as the result of a model, Identity of a
    weight."""
    node = message(1, b"w") + message(2, b"y") + message(4, b"Identity")
    weight = string_tensor(shape, items) + message(8, b"w")
    graph = message(1, node) + message(2, b"g") + message(5, weight) + message(12, message(1, b"y"))
    model = b"\x08\x08" + message(7, graph) + message(8, b"\x10\x0d")  # IR 8, operator set 13
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run_with_ort_values(["y"], {})[0]


def read_input(ort, numpy):
    kind = number()
    shape = [number() for _ in range(number())]
    if kind == STRING:
        count = int(numpy.prod(shape, dtype=int))
        return string_value(ort, shape, [text() for _ in range(count)])
    data = text()
    if kind in TYPES:
        return ort.OrtValue.ortvalue_from_numpy(numpy.frombuffer(data, TYPES[kind]).reshape(shape))
    if kind in CARRIERS:
        return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(
            numpy.frombuffer(data, CARRIERS[kind]).reshape(shape), kind)
    raise ValueError(f"ONNX Runtime takes no input of the type with the number {kind}")


class Model:
    """The model, of which any value can be computed."""

    def __init__(self, ort, path, threads):
        self.ort = ort
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.options = ort.SessionOptions()
        self.options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.options.intra_op_num_threads = threads
        self.options.log_severity_level = 4
        self.options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path",
            os.path.dirname(os.path.abspath(os.fsdecode(path))))
        self.computed, self.declared = names_in(self.bytes)

    def run(self, names, inputs):
        """The values of these names; None for those that are not there."""
        there = [name for name in names if name in self.computed]
        if not there:
            return [None] * len(names)
        # What follows a message belongs to it: so these become outputs of the graph.
        added = b"".join(message(12, message(1, name)) for name in dict.fromkeys(there)
                         if name not in self.declared)
        session = self.ort.InferenceSession(self.bytes + message(7, added), self.options,
                                            providers=["CPUExecutionProvider"])
        known = {item.name for item in session.get_inputs()}
        known.update(item.name for item in session.get_overridable_initializers())
        values = session.run_with_ort_values(
            [name.decode() for name in there],
            {name: value for name, value in inputs.items() if name in known})
        found = dict(zip(there, values))
        return [found.get(name) for name in names]


def main():
    path, threads, limit = text(), number(), number()
    try:
        import numpy
        import onnxruntime as ort
    except ImportError as error:
        raise ImportError(f"{error}; install the package onnxruntime there, or name another Python "
                          "with --python") from None
    inputs = {}
    for _ in range(number()):
        name = text().decode()
        inputs[name] = read_input(ort, numpy)
    wants = [(number(), text()) for _ in range(number())]
    model = Model(ort, path, threads)
    for batch in batches(wants, limit):
        for value in model.run(batch, inputs):
            send(value)
        replies.flush()


def tell(error):
    """Sends the error in place of a value."""
    data = " ".join(f"{error}".split()).encode() or type(error).__name__.encode()
    replies.write(struct.pack("=qq", ERROR, len(data)) + data)
    replies.flush()


try:
    main()
except BrokenPipeError:
    os._exit(1)  # whoever asked has ended
except Exception as error:  # noqa: BLE001 - whoever asked says what it is
    tell(error)
