/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors as text for people. */
#ifndef ONNXRUN_TOOLS_SHOW_H
#define ONNXRUN_TOOLS_SHOW_H

#include "common/tool.h"

/* Prints "min -1.5  max 2  mean 0.25", with the number of NaN and infinities if there are any;
 * nothing for strings, complex numbers and tensors without elements. */
void show_statistics(FILE *out, const onnxrun_tensor *tensor);

/* Prints the elements in nested brackets and a newline; of long axes the first and last three. */
void show_elements(FILE *out, const onnxrun_tensor *tensor);

/* Prints name, type, statistics and elements of an output; a sequence tensor by tensor, NULL as
 * none. */
void show_value(FILE *out, const char *name, const onnxrun_tensor *value);

/* "float[1, 128, 768]", or "seq(float)[3]" for a sequence of three tensors; to be freed. */
char *show_type(const onnxrun_tensor *tensor);

/* Prints the index of a flat position, as in "[0, 2, 1]". */
void show_index(char *text, size_t capacity, const onnxrun_tensor *tensor, size_t position);

#endif
