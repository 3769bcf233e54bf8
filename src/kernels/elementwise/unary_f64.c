/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise functions of one argument for double: the C library's, element by element. */
#include "kernels/elementwise/unary.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <math.h>

void ONR_KERNEL(onr_fill_unary_f64)(struct onr_kernels *kernels);

/* A loop of `expression`, in terms of v and the parameters a and b. */
#define UNARY_F64(function, expression)                                                            \
    static void function##_f64(size_t count, const void *xs, void *ys, struct onr_unary_args args) \
    {                                                                                              \
        const double *x = xs;                                                                      \
        double *y = ys;                                                                            \
        const double a = (double)args.a;                                                           \
        const double b = (double)args.b;                                                           \
        (void)a;                                                                                   \
        (void)b;                                                                                   \
        ONR_IVDEP                                                                                  \
        for (size_t i = 0; i < count; i++) {                                                       \
            const double v = x[i];                                                                 \
            y[i] = (expression);                                                                   \
        }                                                                                          \
    }

static inline double clamp01(double v)
{
    double low = v < 0.0 ? 0.0 : v;
    return low > 1.0 ? 1.0 : low;
}

static inline double sigmoid(double v)
{
    double e = exp(-fabs(v));
    return (v < 0.0 ? e : 1.0) / (1.0 + e);
}

static inline double swish(double v, double a)
{
    return v * sigmoid(a * v);
}

static inline double softplus(double v)
{
    return (v < 0.0 ? 0.0 : v) + log1p(exp(-fabs(v)));
}

static inline double gelu_tanh(double v)
{
    const double two_sqrt_2_pi = 1.5957691216057307118;
    return v * sigmoid(two_sqrt_2_pi * (v + 0.044715 * v * v * v));
}

UNARY_F64(abs, fabs(v))
UNARY_F64(acos, acos(v))
UNARY_F64(acosh, acosh(v))
UNARY_F64(asin, asin(v))
UNARY_F64(asinh, asinh(v))
UNARY_F64(atan, atan(v))
UNARY_F64(atanh, atanh(v))
UNARY_F64(ceil, ceil(v))
UNARY_F64(celu, v > 0.0 ? v : expm1(v / a) * a)
UNARY_F64(cos, cos(v))
UNARY_F64(cosh, cosh(v))
UNARY_F64(elu, v < 0.0 ? expm1(v) * a : v)
UNARY_F64(erf, erf(v))
UNARY_F64(exp, exp(v))
UNARY_F64(floor, floor(v))
UNARY_F64(gelu, 0.5 * v * erfc(v * -0.70710678118654752440))
UNARY_F64(gelu_tanh, gelu_tanh(v))
UNARY_F64(hard_sigmoid, clamp01(b + a * v))
UNARY_F64(hard_swish, clamp01(v / 6.0 + 0.5) * v)
UNARY_F64(leaky_relu, v < 0.0 ? v * a : v)
UNARY_F64(log, log(v))
UNARY_F64(mish, tanh(softplus(v)) * v)
UNARY_F64(neg, -v)
UNARY_F64(reciprocal, 1.0 / v)
UNARY_F64(relu, v < 0.0 ? 0.0 : v)
UNARY_F64(round, rint(v))
UNARY_F64(selu, (v > 0.0 ? v : expm1(v) * a) * b)
UNARY_F64(shrink, v < -b ? v + a : (v > b ? v - a : 0.0))
UNARY_F64(sigmoid, sigmoid(v))
UNARY_F64(sign, v > 0.0 ? 1.0 : (v < 0.0 ? -1.0 : v))
UNARY_F64(sin, sin(v))
UNARY_F64(sinh, sinh(v))
UNARY_F64(softplus, softplus(v))
UNARY_F64(softsign, v / (1.0 + fabs(v)))
UNARY_F64(sqrt, sqrt(v))
UNARY_F64(swish, swish(v, a))
UNARY_F64(tan, tan(v))
UNARY_F64(tanh, tanh(v))
UNARY_F64(thresholded_relu, v > a ? v : 0.0)

void ONR_KERNEL(onr_fill_unary_f64)(struct onr_kernels *kernels)
{
#define UNARY_FILL(name, function)                                                                 \
    kernels->unary.rows[ONR_UNARY_##name][ONR_DOUBLE] = function##_f64;
    ONR_UNARY_FLOAT_LIST(UNARY_FILL)
#undef UNARY_FILL
}
