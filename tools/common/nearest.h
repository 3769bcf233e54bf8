/* SPDX-License-Identifier: Apache-2.0 */
/* Names that may have been meant by one that does not exist. */
#ifndef ONNXRUN_TOOLS_NEAREST_H
#define ONNXRUN_TOOLS_NEAREST_H

#include "common/tool.h"

#define NEAREST_COUNT 3

struct nearest {
    const char *wanted; /* set by the caller, the rest zero */
    char *names[NEAREST_COUNT];
    size_t distances[NEAREST_COUNT];
    size_t count;
};

/* Keeps the name if it is one of the nearest so far. */
void nearest_offer(struct nearest *nearest, const char *name, size_t length);

/* Writes "; did you mean "a", "b"?", or nothing when no name is near, and frees the names. */
#define NEAREST_TEXT_BYTES 512
const char *nearest_text(struct nearest *nearest, char text[NEAREST_TEXT_BYTES]);

#endif
