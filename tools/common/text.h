/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that is printed into memory.
 *
 *     struct text text;
 *     text_begin(&text);
 *     fprintf(text.out, ...);
 *     char *bytes = text_end(&text);
 */
#ifndef ONNXRUN_TOOLS_TEXT_H
#define ONNXRUN_TOOLS_TEXT_H

#include "common/tool.h"

struct text {
    FILE *out;
    char *bytes; /* terminated, and their number without that, once it has ended */
    size_t length;
};

/* Without memory the command ends, here and below. */
void text_begin(struct text *text);

/* Returns text->bytes, to be freed. */
char *text_end(struct text *text);

#endif
