/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tensor written on the command line: nested lists in brackets or one element.
 *
 *     [[101, 7592, 102]]      3.5      [true, false]      ["yes", "no"]      [nan, -inf]      []
 */
#ifndef ONNXRUN_TOOLS_LITERAL_H
#define ONNXRUN_TOOLS_LITERAL_H

#include "common/tool.h"

/*
 * Makes a tensor of this dtype; its shape follows from the brackets. Decimal fractions are rounded
 * to the type. Error: ARGUMENT with the position (from 1) and what was expected; *tensor is NULL
 * then.
 */
onnxrun_status literal_parse(const char *text, onnxrun_dtype dtype, onnxrun_tensor **tensor,
                             onnxrun_error *error);

/* True when text begins like a literal and not like a file name. */
bool literal_is_likely(const char *text);

#endif
