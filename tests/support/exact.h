/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of one argument in double, to compare kernels with, and the unit of their errors. */
#ifndef ONR_TESTS_EXACT_H
#define ONR_TESTS_EXACT_H

#include <math.h>

static inline double sigmoid(double v)
{
    double e = exp(-fabs(v));
    return (v < 0 ? e : 1) / (1 + e);
}

static inline double silu(double v)
{
    return v * sigmoid(v);
}

static inline double softplus(double v)
{
    return (v > 0 ? v : 0) + log1p(exp(-fabs(v)));
}

static inline double gelu(double v)
{
    return 0.5 * v * erfc(v * -0.70710678118654752440);
}

static inline double gelu_tanh(double v)
{
    return v * sigmoid(1.5957691216057307 * (v + 0.044715 * v * v * v));
}

/* Units in the last place of a float near value. */
static inline double ulp_of(double value)
{
    int exponent = 0;
    (void)frexp(value, &exponent);
    return ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
}

#endif
