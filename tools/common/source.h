/* SPDX-License-Identifier: Apache-2.0 */
/* One SOURCE of -i (common/inputs.h) made into a tensor. */
#ifndef ONNXRUN_TOOLS_SOURCE_H
#define ONNXRUN_TOOLS_SOURCE_H

#include "common/tool.h"

/* True for the words that generate an input, whose shape must then be known. */
bool source_is_generated(const char *source);

/*
 * Loads a file or a literal as the kind and dtype of info (UNDEFINED: as it is). *tensor is NULL for
 * a FILE.pb that holds an optional without element. Errors: ARGUMENT, IO, PARSE, UNSUPPORTED.
 */
onnxrun_status source_load(const char *source, const onnxrun_value_info *info,
                           onnxrun_tensor **tensor, onnxrun_error *error);

/* Makes a generated tensor. Errors: ARGUMENT, MEMORY. */
onnxrun_status source_generate(const char *source, onnxrun_dtype dtype, size_t rank,
                               const int64_t *dims, onnxrun_tensor **tensor, onnxrun_error *error);

#endif
