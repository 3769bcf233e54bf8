/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise functions of two and three arguments: the inner loops of broadcasting operators. */
#ifndef ONR_KERNELS_ELEMENTWISE_BINARY_H
#define ONR_KERNELS_ELEMENTWISE_BINARY_H

#include "base/dtype.h"

#include <stddef.h>

/*
 * The functions that are defined for every numeric type: X(enumerator, function), result of the
 * same type. Integers wrap; x / 0 and x mod 0 are 0. The half types compute in float and round
 * once.
 */
#define ONR_BINARY_NUMERIC_LIST(X)                                                                 \
    X(ADD, add)                                                                                    \
    X(DIV, div)   /* integers are cut towards 0 */                                                 \
    X(FMOD, fmod) /* remainder with the sign of a */                                               \
    X(MAX, max)   /* NaN when one is NaN */                                                        \
    X(MIN, min)                                                                                    \
    X(MOD, mod) /* remainder with the sign of b */                                                 \
    X(MUL, mul)                                                                                    \
    X(PRELU, prelu) /* a < 0 ? a * b : a */                                                        \
    X(SUB, sub)

/* The same for comparisons, whose result is bool (0 or 1). NaN compares false. */
#define ONR_BINARY_COMPARE_LIST(X)                                                                 \
    X(EQUAL, equal) /* also bool and string */                                                     \
    X(LESS, less)                                                                                  \
    X(LESS_EQUAL, less_equal)

/* clang-format off */
enum onr_binary_op {
#define ONR_BINARY_ENUM(name, function) ONR_BINARY_##name,
    ONR_BINARY_NUMERIC_LIST(ONR_BINARY_ENUM)
    ONR_BINARY_COMPARE_LIST(ONR_BINARY_ENUM)
#undef ONR_BINARY_ENUM
    ONR_BINARY_POW, /* float types, both of one type; others: onr_power_fn */
    ONR_BINARY_AND, /* bit by bit; integers and bool */
    ONR_BINARY_OR,
    ONR_BINARY_XOR,
    ONR_BINARY_SHIFT_LEFT, /* unsigned integers; 0 when b >= width */
    ONR_BINARY_SHIFT_RIGHT,
    ONR_BINARY_COUNT,
};
/* clang-format on */

/*
 * out[i] = f(a[i * a_step], b[i * b_step]) for i < count; a step is 0 (one number for all) or 1.
 * Operands are aligned for their types. out may be an operand of step 1, or any operand when count
 * is 1.
 */
typedef void (*onr_binary_fn)(size_t count, const void *a, size_t a_step, const void *b,
                              size_t b_step, void *out);

/*
 * out[i] = a[i * a_step] ^ b[i * b_step] for operands of any two numeric types, a and out of the
 * same. Powers of integers are exact and wrap; a negative exponent gives the quotient cut towards
 * 0, and 0 for base 0. When either is a float type the power is computed in double, then rounded,
 * or cut towards 0 and held in range.
 */
typedef void (*onr_power_fn)(size_t count, enum onr_dtype a_dtype, const void *a, size_t a_step,
                             enum onr_dtype b_dtype, const void *b, size_t b_step, void *out);

/* out[i] = condition[i * condition_step] ? a[i * a_step] : b[i * b_step], for elements of one size.
 */
typedef void (*onr_select_fn)(size_t count, const void *condition, size_t condition_step,
                              const void *a, size_t a_step, const void *b, size_t b_step,
                              void *out);

/* out[i] = x[i] raised to at least *low, then lowered to at most *high, for i < count; NaN stays
 * NaN. A bound has the type of x and is read before out is written; NULL: no bound. out may be x.
 */
typedef void (*onr_clip_fn)(size_t count, const void *x, const void *low, const void *high,
                            void *out);

/* Sizes of elements that are selected: 1, 2, 4, 8 and 16 bytes. */
#define ONR_SELECT_SIZES 5

/* NULL where a function is not defined for the type of a. */
struct onr_binary_kernels {
    onr_binary_fn rows[ONR_BINARY_COUNT][ONR_DTYPE_COUNT];
    onr_clip_fn clip[ONR_DTYPE_COUNT];
    onr_select_fn select[ONR_SELECT_SIZES]; /* by the binary logarithm of the size */
    onr_power_fn power;
};

#endif
