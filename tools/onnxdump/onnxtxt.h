/* SPDX-License-Identifier: Apache-2.0 */
/* Words of ONNX's textual syntax, printed to stdout: strings, names, numbers, types, elements. */
#ifndef ONNXRUN_TOOLS_ONNXTXT_H
#define ONNXRUN_TOOLS_ONNXTXT_H

#include "onnxdump/views.h"

#define ONNXTXT_PIECE_BYTES (VIEW_PIECE_ELEMENTS * 16) /* of any type */

/* A string with its quotes; control characters but newlines and tabs as "\x1b". */
void onnxtxt_quoted(const char *bytes, size_t length);

/* A name: quoted, and all control characters escaped, unless it is an identifier. */
void onnxtxt_name(const char *name);

/* A number with a point or an exponent, or it would be taken for an integer. */
void onnxtxt_real(double number, bool is_double);

/* A type; false when it is not known or the syntax lacks it: nothing is printed then. */
bool onnxtxt_type(const onnxrun_value_info *info);

void onnxtxt_weight_type(const onnxrun_weight_info *info);

/* "{1, 2, 3}"; piece [ONNXTXT_PIECE_BYTES] is scratch. */
void onnxtxt_elements(const onnxrun_weight *weight, const onnxrun_weight_info *info, void *piece);

#endif
