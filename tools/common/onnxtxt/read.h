/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX's textual syntax, as onnx.parser and `onnxdump --onnxtxt` have it, made into protobuf. */
#ifndef ONNXRUN_TOOLS_ONNXTXT_READ_H
#define ONNXRUN_TOOLS_ONNXTXT_READ_H

#include "common/wire.h"

/*
 * Reads text, which name stands for in messages, into *model, a ModelProto to be freed with
 * wire_free. Elements that stand in the text become typed fields, as onnx.parser has it, and never
 * raw_data; *has_external tells whether there are references to files. In a string "\x1b" is that
 * byte, which onnx.parser takes for "x1b". What it takes no text to see (operators, types, references
 * that lead nowhere) is not checked. Memory is a small multiple of the text's. Error: PARSE with line,
 * column, what stands there and what was expected; LIMIT for bodies or types that nest too deep.
 * *model is empty then.
 */
onnxrun_status onnxtxt_read(struct wire_span text, const char *name, struct wire_out *model,
                            bool *has_external, onnxrun_error *error);

#endif
