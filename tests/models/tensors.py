# SPDX-License-Identifier: Apache-2.0
"""Reads and writes .npy files, and reads TensorProto ones, with the standard library alone, for the scripts beside it."""
import ast
import math
import struct

NPY_FORMATS = {"<f4": "f", "<i8": "q", "<i4": "i", "|b1": "?"}
NPY_DTYPES = {"float": "<f4", "int64": "<i8", "int32": "<i4", "bool": "|b1"}
PROTO_FORMATS = {1: "f", 6: "i", 7: "q", 9: "?"}  # TensorProto.DataType


def product(dims):
    return math.prod(dims)


def npy_start(data):
    """Where the header of a .npy file ends, and its length."""
    assert data[:6] == b"\x93NUMPY", "no .npy file"
    wide = data[6] >= 2
    length = struct.unpack_from("<I" if wide else "<H", data, 8)[0]
    return (12 if wide else 10) + length, length


def npy_data(data):
    """The bytes of the elements in those of a .npy file."""
    return data[npy_start(data)[0]:]


def write_npy(path, shape, values, dtype):
    """Writes a flat list; dtype as ONNX spells it: float, int64, int32, bool."""
    descr = NPY_DTYPES[dtype]
    header = str({"descr": descr, "fortran_order": False, "shape": tuple(shape)}).encode()
    header = header.ljust(-(-(len(header) + 11) // 64) * 64 - 11) + b"\n"
    path.write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header +
                     struct.pack(f"<{len(values)}{NPY_FORMATS[descr]}", *values))


def read_npy(path):
    """Returns (shape, flat list) of a little-endian C-ordered array."""
    data = path.read_bytes()
    start, length = npy_start(data)
    header = ast.literal_eval(data[start - length:start].decode("latin-1"))
    assert not header["fortran_order"], f"{path}: Fortran order"
    count = product(header["shape"])
    values = struct.unpack_from(f"<{count}{NPY_FORMATS[header['descr']]}", data, start)
    return header["shape"], list(values)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def read_proto(path):
    """Returns (name, shape, flat list) of a TensorProto that keeps its values in raw_data."""
    data, at = path.read_bytes(), 0
    name, dtype, shape, raw = "", 0, [], b""
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)  # a number, or the length of what follows
        if tag & 7 == 0:
            if tag >> 3 == 1:
                shape.append(value)
            elif tag >> 3 == 2:
                dtype = value
            continue
        assert tag & 7 == 2, f"{path}: unexpected wire type {tag & 7}"
        part, at = data[at:at + value], at + value
        if tag >> 3 == 1:  # dims, packed
            position = 0
            while position < len(part):
                dim, position = varint(part, position)
                shape.append(dim)
        elif tag >> 3 == 8:
            name = part.decode()
        elif tag >> 3 == 9:
            raw = part
    return name, tuple(shape), list(struct.unpack(f"<{product(shape)}{PROTO_FORMATS[dtype]}", raw))


def rows(shape, values):
    """Cuts the values into rows along the last axis."""
    width = shape[-1]
    return [values[i:i + width] for i in range(0, len(values), width)]


def argmax(row):
    return max(range(len(row)), key=row.__getitem__)


def cosine(a, b):
    dot = math.fsum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(math.fsum(x * x for x in a) * math.fsum(y * y for y in b))
