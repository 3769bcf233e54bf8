/* SPDX-License-Identifier: Apache-2.0 */
/* Weights that lie in files beside a model, found in the bytes of its messages and moved into them. */
#ifndef ONNXRUN_TOOLS_EXTERNAL_H
#define ONNXRUN_TOOLS_EXTERNAL_H

#include "common/wire.h"

/* Messages that may hold such weights. */
enum external_message {
    EXTERNAL_NONE,
    EXTERNAL_MODEL,
    EXTERNAL_FUNCTION,
    EXTERNAL_GRAPH,
    EXTERNAL_NODE,
    EXTERNAL_ATTRIBUTE,
    EXTERNAL_SPARSE,
    EXTERNAL_TENSOR
};

/* What a field of a message is. */
enum external_message external_message_of(enum external_message message, uint32_t number);

/* Whether there is a weight in the message that lies in a file of its own and for which test, unless
 * it is NULL, returns true for the path of that file. */
bool external_any(enum external_message message, struct wire_span bytes, const char *model_path,
                  bool (*test)(const char *path, const void *user), const void *user);

/* Appends the message with all weights in it. Error: IO. */
onnxrun_status external_embed(enum external_message message, struct wire_span bytes,
                              const char *model_path, struct wire_out *out, onnxrun_error *error);

#endif
