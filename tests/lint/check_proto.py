#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares proto/onnx.proto with the descriptors of an installed ONNX release.

    check_proto.py [path of onnx.proto]

Every message, field (number, type, label, packed, oneof) and enum value must be the same on both sides.
Needs the Python package onnx; the schema was written against onnx==1.23.2. Exit status 1 on a difference, 77
(skipped) when the package is missing.
"""

import pathlib
import re
import sys

SCALARS = {
    1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string",
    12: "bytes", 13: "uint32",
}
LABELS = {1: "optional", 2: "required", 3: "repeated"}
TOKEN = re.compile(r'"[^"]*"|[A-Za-z_][\w.]*|\d+|[{}=;\[\],<>]')


def last(name):
    """Types are compared by their own name; nested ones have names of their own."""
    return name.split(".")[-1]


class Parser:
    """Reads the part of the proto2 language that onnx.proto uses into {full name: ...}."""

    def __init__(self, text):
        self.tokens = TOKEN.findall(re.sub(r"//[^\n]*", "", text))
        self.at = 0
        self.fields = {}
        self.enums = {}

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def skip_statement(self):
        while self.take() != ";":
            pass

    def parse(self):
        while self.at < len(self.tokens):
            word = self.take()
            if word == "message":
                self.message("")
            elif word == "enum":
                self.enum("")
            elif word != ";":
                self.skip_statement()
        return self.fields, self.enums

    def message(self, scope):
        name = scope + self.take()
        self.fields[name] = {}
        self.take()
        while (word := self.take()) != "}":
            if word == "message":
                self.message(name + ".")
            elif word == "enum":
                self.enum(name + ".")
            elif word == "oneof":
                oneof = self.take()
                self.take()
                while (kind := self.take()) != "}":
                    if kind != ";":
                        self.field(name, "optional", kind, oneof)
            elif word in ("reserved", "option"):
                self.skip_statement()
            elif word != ";":
                self.field(name, word, self.take(), None)

    def field(self, message, label, kind, oneof):
        name = self.take()
        self.take()
        number = int(self.take())
        rest = []
        while (word := self.take()) != ";":
            rest.append(word)
        self.fields[message][name] = (number, last(kind), label, "packed" in rest, oneof)

    def enum(self, scope):
        name = scope + self.take()
        self.enums[name] = {}
        self.take()
        while (word := self.take()) != "}":
            if word != ";":
                self.take()
                self.enums[name][word] = int(self.take())


def describe_message(message, scope, fields, enums):
    name = scope + message.name
    oneofs = [oneof.name for oneof in message.oneof_decl]
    fields[name] = {
        f.name: (
            f.number,
            SCALARS.get(f.type) or last(f.type_name),
            LABELS[f.label],
            f.options.packed,
            oneofs[f.oneof_index] if f.HasField("oneof_index") else None,
        )
        for f in message.field
    }
    for enum in message.enum_type:
        enums[name + "." + enum.name] = {v.name: v.number for v in enum.value}
    for nested in message.nested_type:
        describe_message(nested, name + ".", fields, enums)


def release():
    """The same two tables from the files that an onnx package was generated from."""
    import onnx.onnx_data_pb2
    import onnx.onnx_ml_pb2
    from google.protobuf import descriptor_pb2

    fields, enums = {}, {}
    for module in (onnx.onnx_ml_pb2, onnx.onnx_data_pb2):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for message in file.message_type:
            describe_message(message, "", fields, enums)
        for enum in file.enum_type:
            enums[enum.name] = {v.name: v.number for v in enum.value}
    return fields, enums


def differences(kind, ours, theirs):
    for name in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(name, {}), theirs.get(name, {})
        if (name in ours) != (name in theirs):
            yield f"{kind} {name}: only in {'onnx.proto' if name in ours else 'the release'}"
            continue
        for member in sorted(mine.keys() | other.keys()):
            if mine.get(member) != other.get(member):
                yield f"{kind} {name}.{member}: {mine.get(member)}, release {other.get(member)}"


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "proto" / "onnx.proto"
    try:
        their_fields, their_enums = release()
    except ImportError as error:
        print(f"skipped: {error}")
        return 77
    fields, enums = Parser(path.read_text()).parse()
    found = [
        *differences("message", fields, their_fields),
        *differences("enum", enums, their_enums),
    ]
    print("\n".join(found) or f"{len(fields)} messages and {len(enums)} enums agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
