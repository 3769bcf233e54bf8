/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of two arguments for double. */
#include "kernels/elementwise/binary.h"
#include "kernels/elementwise/binary_loop.h"
#include "kernels/kernels.h"

#include <math.h>

void ONR_KERNEL(onr_fill_binary_f64)(struct onr_kernels *kernels);

/* The sign of y, of a result of 0 too. */
static inline double floor_mod(double x, double y)
{
    double r = fmod(x, y);
    if (r == 0.0) {
        return copysign(0.0, y);
    }
    return (r < 0.0) != (y < 0.0) ? r + y : r;
}

BINARY(add_f64, double, double, x + y)
BINARY(div_f64, double, double, x / y)
BINARY(fmod_f64, double, double, fmod(x, y))
BINARY(max_f64, double, double, x > y || x != x ? x : y)
BINARY(min_f64, double, double, x < y || x != x ? x : y)
BINARY(mod_f64, double, double, floor_mod(x, y))
BINARY(mul_f64, double, double, x *y)
BINARY(prelu_f64, double, double, x < 0.0 ? x * y : x)
BINARY(sub_f64, double, double, x - y)
BINARY(equal_f64, double, uint8_t, x == y)
BINARY(less_f64, double, uint8_t, x < y)
BINARY(less_equal_f64, double, uint8_t, x <= y)
BINARY(pow_f64, double, double, pow(x, y))

static void clip_f64(size_t count, const void *x, const void *low, const void *high, void *out)
{
    const double *xs = x;
    const double lo = low != NULL ? *(const double *)low : (double)-INFINITY;
    const double hi = high != NULL ? *(const double *)high : (double)INFINITY;
    double *zs = out;
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        double raised = xs[i] < lo ? lo : xs[i];
        zs[i] = raised > hi ? hi : raised;
    }
}

void ONR_KERNEL(onr_fill_binary_f64)(struct onr_kernels *kernels)
{
    struct onr_binary_kernels *binary = &kernels->binary;
#define BINARY_FILL(name, function) binary->rows[ONR_BINARY_##name][ONR_DOUBLE] = function##_f64;
    ONR_BINARY_NUMERIC_LIST(BINARY_FILL)
    ONR_BINARY_COMPARE_LIST(BINARY_FILL)
    BINARY_FILL(POW, pow)
#undef BINARY_FILL
    binary->clip[ONR_DOUBLE] = clip_f64;
}
