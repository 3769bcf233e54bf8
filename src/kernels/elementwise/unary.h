/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise functions of one argument. */
#ifndef ONR_KERNELS_ELEMENTWISE_UNARY_H
#define ONR_KERNELS_ELEMENTWISE_UNARY_H

#include "base/dtype.h"

#include <stddef.h>

/*
 * The functions of float numbers: X(enumerator, function). They have rows for float, double,
 * float16 and bfloat16; the half types compute in float and round once. v is the argument, a and b
 * the parameters.
 */
#define ONR_UNARY_FLOAT_LIST(X)                                                                    \
    X(ABS, abs)                                                                                    \
    X(ACOS, acos)                                                                                  \
    X(ACOSH, acosh)                                                                                \
    X(ASIN, asin)                                                                                  \
    X(ASINH, asinh)                                                                                \
    X(ATAN, atan)                                                                                  \
    X(ATANH, atanh)                                                                                \
    X(CEIL, ceil)                                                                                  \
    X(CELU, celu) /* v > 0 ? v : a (e^(v/a) - 1) */                                                \
    X(COS, cos)                                                                                    \
    X(COSH, cosh)                                                                                  \
    X(ELU, elu) /* v < 0 ? a (e^v - 1) : v */                                                      \
    X(ERF, erf)                                                                                    \
    X(EXP, exp)                                                                                    \
    X(FLOOR, floor)                                                                                \
    X(GELU, gelu)                 /* v/2 (1 + erf(v / sqrt 2)) */                                  \
    X(GELU_TANH, gelu_tanh)       /* v/2 (1 + tanh(sqrt(2/pi) (v + 0.044715 v^3))) */              \
    X(HARD_SIGMOID, hard_sigmoid) /* a v + b, held in [0, 1] */                                    \
    X(HARD_SWISH, hard_swish)     /* v times (v/6 + 1/2, held in [0, 1]) */                        \
    X(LEAKY_RELU, leaky_relu)     /* v < 0 ? a v : v */                                            \
    X(LOG, log)                                                                                    \
    X(MISH, mish) /* v tanh(ln(1 + e^v)) */                                                        \
    X(NEG, neg)                                                                                    \
    X(RECIPROCAL, reciprocal)                                                                      \
    X(RELU, relu)     /* NaN stays NaN */                                                          \
    X(ROUND, round)   /* ties to even */                                                           \
    X(SELU, selu)     /* b (v > 0 ? v : a (e^v - 1)) */                                            \
    X(SHRINK, shrink) /* v < -b ? v + a : v > b ? v - a : 0 */                                     \
    X(SIGMOID, sigmoid)                                                                            \
    X(SIGN, sign) /* NaN stays NaN */                                                              \
    X(SIN, sin)                                                                                    \
    X(SINH, sinh)                                                                                  \
    X(SOFTPLUS, softplus) /* ln(1 + e^v) */                                                        \
    X(SOFTSIGN, softsign) /* v / (1 + |v|) */                                                      \
    X(SQRT, sqrt)                                                                                  \
    X(SWISH, swish) /* v sigmoid(a v) */                                                           \
    X(TAN, tan)                                                                                    \
    X(TANH, tanh)                                                                                  \
    X(THRESHOLDED_RELU, thresholded_relu) /* v > a ? v : 0 */

enum onr_unary_op {
#define ONR_UNARY_ENUM(name, function) ONR_UNARY_##name,
    ONR_UNARY_FLOAT_LIST(ONR_UNARY_ENUM)
#undef ONR_UNARY_ENUM
        ONR_UNARY_IS_NAN, /* to bool; float types, float8 too */
    ONR_UNARY_IS_INF,     /* to bool; +inf when a != 0, -inf when b != 0; float types, float8 too */
    ONR_UNARY_NOT,        /* bool */
    ONR_UNARY_BITWISE_NOT, /* integers */
    ONR_UNARY_COUNT,
};

/* Parameters, for the functions that have them. */
struct onr_unary_args {
    float a;
    float b;
};

/*
 * y[i] = f(x[i]) for i < count. x and y are aligned for their types; y may be x. Integers wrap
 * where the result does not fit (-INT_MIN is INT_MIN).
 */
typedef void (*onr_unary_fn)(size_t count, const void *x, void *y, struct onr_unary_args args);

/* y = v p(v^2) / q(v^2) + shift, but at least `least`, for v = x held in [-limit, limit].
 * Coefficients of high powers come first, zeros fill up. Each step rounds once, so
 * that all instruction sets give the same bits. */
struct onr_fraction {
    float limit;
    float shift;
    float least;
    float p[7];
    float q[6];
};

/* y[i] of x[i] for i < count; y may be x. NaN stays NaN. */
typedef void (*onr_fraction_fn)(size_t count, const float *x, float *y,
                                const struct onr_fraction *f);

/* By function and element type of x; NULL where the function is not defined for the type. Integers
 * have abs, erf, neg, relu, shrink and sign. */
struct onr_unary_kernels {
    onr_unary_fn rows[ONR_UNARY_COUNT][ONR_DTYPE_COUNT];
    onr_fraction_fn fraction;
};

#endif
