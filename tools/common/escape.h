/* SPDX-License-Identifier: Apache-2.0 */
/* Text that comes from files, made safe to print: for terminals and for JSON. */
#ifndef ONNXRUN_TOOLS_ESCAPE_H
#define ONNXRUN_TOOLS_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Prints valid UTF-8 as it is; control characters (C0, DEL, C1), bytes that are no UTF-8 and
 * characters that reorder text as \xNN. */
void escape_print(FILE *out, const char *bytes, size_t length);

/* escape_print for a terminated string. */
void escape_name(FILE *out, const char *name);

/* A JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void escape_json(FILE *out, const char *bytes, size_t length);

/* True when colours and progress bars may be used: a terminal, TERM is not "dumb", NO_COLOR is not
 * set. */
bool escape_has_colors(FILE *out);

#endif
