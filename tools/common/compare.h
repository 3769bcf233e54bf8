/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a result is as expected, by the rules of the ONNX backend test suite. */
#ifndef ONNXRUN_TOOLS_COMPARE_H
#define ONNXRUN_TOOLS_COMPARE_H

#include "common/tool.h"

struct comparison {
    bool is_equal;
    double max_error;    /* largest |got - want| of finite numbers */
    double max_relative; /* the same as a part of |want|, where that is not 0 */
    double max_ulp;      /* the same in units in the last place of want; 0 for other than floats */
    size_t worst;        /* position of max_error */
    char message[400];   /* what differs, when it does */
};

/*
 * dtype and shape must be equal, integers, bools and strings as well. Floating-point numbers of all
 * sizes must keep |got - want| <= atol + rtol * |want|; NaN equals NaN, an infinity only itself.
 */
struct comparison compare_tensors(const onnxrun_tensor *got, const onnxrun_tensor *want,
                                  double rtol, double atol);

/*
 * The same for numbers of different types, of which both are integers (or bool), or neither: as when
 * a file holds bfloat16 as float32. Units are those of the type with fewer digits.
 */
struct comparison compare_numbers(const onnxrun_tensor *got, const onnxrun_tensor *want,
                                  double rtol, double atol);

/*
 * compare_tensors for values of any kind: NULL, an optional without element, equals only itself; sequences
 * are equal when they have as many tensors and these are equal one by one.
 */
struct comparison compare_values(const onnxrun_tensor *got, const onnxrun_tensor *want, double rtol,
                                 double atol);

#endif
