# SPDX-License-Identifier: Apache-2.0
"""A model that takes long to read, for tests that lack the package onnx."""


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def message(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def make_large_model(folder, count):
    """large.onnx, with a weight w of many zeros, of type uint8, in a file that takes no space."""
    with open(folder / "zeros.bin", "wb") as file:
        file.truncate(count)
    place = message(1, "location") + message(2, "zeros.bin")
    weight = (b"\x08" + varint(count) + b"\x10\x02" + message(8, "w") + message(13, place) +
              b"\x70\x01")
    shape = message(2, message(1, b"\x08" + varint(count)))  # one dimension
    output = message(1, "y") + message(2, message(1, b"\x08\x02" + shape))
    node = message(1, "w") + message(2, "y") + message(4, "Identity")
    graph = message(1, node) + message(2, "g") + message(5, weight) + message(12, output)
    (folder / "large.onnx").write_bytes(b"\x08\x08" + message(7, graph) + message(8, b"\x10\x0d"))
