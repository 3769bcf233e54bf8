/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models for tests, written as text. Statements end with ";":
 *
 *     opset 17;                                17 unless given; before anything else
 *     in float x [n, 2, ?];                    an input; a word is a symbolic dimension, "?" an
 *                                              unknown one; without brackets, unknown rank
 *     init int64 s [1] = -1;                   an initializer; for an input its default
 *     init float w [90, 2] = 0, 1, ...;        the same with numbers that come over and over
 *     y = Relu(x);                             a node; "_": an absent input or output
 *     a, b = Split(y) axis=1;                  attributes: 1, 1.0, [1, 2], 'text', ['a'], {a body}
 *     o = Optional() type=:seq(float);         an attribute that is a type
 *     in optional(seq(float)) s;               types are float, seq(float), optional(float), ...
 *     r = If(c) then_branch={t = Neg(x); out float t;} else_branch={out float y;};
 *     out float y [n, 2];                      an output
 *
 * An operator "com.microsoft:Gelu" has a domain, whose version is 1; "ai.onnx.preview:" and
 * "ai.onnx.preview.training:" are others.
 */
#ifndef ONR_TESTS_SUPPORT_MODEL_TEXT_H
#define ONR_TESTS_SUPPORT_MODEL_TEXT_H

#include "support/proto_writer.h"

/* Writes the model to p, which it initializes; free with proto_free. */
void model_text(struct proto *p, const char *text);

/* Writes the model to a file. */
void model_text_write(const char *path, const char *text);

#endif
