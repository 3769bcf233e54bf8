/* SPDX-License-Identifier: Apache-2.0 */
/* How the multiplications of a run grow with dimensions: a polynomial, found by counting them. */
#ifndef ONNXRUN_TOOLS_FORMULA_H
#define ONNXRUN_TOOLS_FORMULA_H

#include "onnxdump/views.h"

#define FORMULA_DIMS   3 /* at most */
#define FORMULA_POINTS 3 /* numbers that each of them takes: it occurs up to the power of two */
#define FORMULA_TERMS  (FORMULA_POINTS * FORMULA_POINTS * FORMULA_POINTS)

struct formula {
    struct dims dims;
    /* factor of dims[0]^i * dims[1]^j * dims[2]^k, at (k * 3 + j) * 3 + i */
    int64_t factors[FORMULA_TERMS];
};

/* Finds the formula for the dimensions that have no number in `given`. False when there are none or
 * too many of them, a run cannot take their numbers, or its cost is no such polynomial. Free it in
 * any case. */
bool formula_find(struct formula *formula, const onnxrun_model *model, const struct dims *given);

void formula_free(struct formula *formula);

/* Prints "84,934,656*batch*sequence + 18,432*batch*sequence^2"; names that are no identifiers in
 * quotes. */
void formula_print(FILE *out, const struct formula *formula);

#endif
