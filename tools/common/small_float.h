/* SPDX-License-Identifier: Apache-2.0 */
/* Floating-point types of 4, 8 and 16 bits: from their codes to double and back. */
#ifndef ONNXRUN_TOOLS_SMALL_FLOAT_H
#define ONNXRUN_TOOLS_SMALL_FLOAT_H

#include <onnxrun/onnxrun.h>
#include <stdbool.h>

/* True for float16, bfloat16, the float8 types, the float6 types and float4e2m1. */
bool small_float_is(onnxrun_dtype dtype);

double small_float_decode(onnxrun_dtype dtype, unsigned code);

/* The code nearest to value, ties to even; false when value is beyond the type's range. */
bool small_float_encode(onnxrun_dtype dtype, double value, unsigned *code);

#endif
