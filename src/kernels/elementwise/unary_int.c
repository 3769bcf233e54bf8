/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementwise functions of one argument for integers and bool, and the tests IsNaN and IsInf for
 * all float types. Integer arithmetic is done in uint64_t and cut off, which is the same as
 * wrapping in the type.
 */
#include "base/minifloat.h"
#include "kernels/elementwise/number.h"
#include "kernels/elementwise/unary.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdint.h>

void ONR_KERNEL(onr_fill_unary_int)(struct onr_kernels *kernels);

/* A loop of `expression`, in terms of v and args, from in_t to out_t. */
#define UNARY(function, in_t, out_t, expression)                                                   \
    static void function(size_t count, const void *xs, void *ys, struct onr_unary_args args)       \
    {                                                                                              \
        const in_t *x = xs;                                                                        \
        out_t *y = ys;                                                                             \
        (void)args;                                                                                \
        ONR_IVDEP                                                                                  \
        for (size_t i = 0; i < count; i++) {                                                       \
            const in_t v = x[i];                                                                   \
            y[i] = (out_t)(expression);                                                            \
        }                                                                                          \
    }

static inline double shrink(double v, struct onr_unary_args args)
{
    double bias = (double)args.a;
    double limit = (double)args.b;
    return v < -limit ? v + bias : (v > limit ? v - bias : 0.0);
}

#define UNARY_INT(name, type)                                                                      \
    UNARY(erf_##name, type, type, erf((double)v))                                                  \
    UNARY(shrink_##name, type, type, onr_double_to_##name(shrink((double)v, args)))                \
    UNARY(bitwise_not_##name, type, type, ~v)

#define UNARY_SIGNED(name, type)                                                                   \
    UNARY_INT(name, type)                                                                          \
    UNARY(abs_##name, type, type, v < 0 ? UINT64_C(0) - (uint64_t)v : (uint64_t)v)                 \
    UNARY(neg_##name, type, type, UINT64_C(0) - (uint64_t)v)                                       \
    UNARY(relu_##name, type, type, v < 0 ? 0 : v)                                                  \
    UNARY(sign_##name, type, type, (v > 0) - (v < 0))

#define UNARY_UNSIGNED(name, type)                                                                 \
    UNARY_INT(name, type)                                                                          \
    UNARY(abs_##name, type, type, v)                                                               \
    UNARY(sign_##name, type, type, v > 0)

UNARY_SIGNED(i8, int8_t)
UNARY_SIGNED(i16, int16_t)
UNARY_SIGNED(i32, int32_t)
UNARY_SIGNED(i64, int64_t)
UNARY_UNSIGNED(u8, uint8_t)
UNARY_UNSIGNED(u16, uint16_t)
UNARY_UNSIGNED(u32, uint32_t)
UNARY_UNSIGNED(u64, uint64_t)

UNARY(not_bool, uint8_t, uint8_t, v == 0)

/* IsNaN and IsInf of a type whose numbers `widen` turns into float or double. */
#define UNARY_TEST(name, type, widen)                                                              \
    UNARY(is_nan_##name, type, uint8_t, isnan(widen))                                              \
    UNARY(is_inf_##name, type, uint8_t, isinf(widen) && ((widen) > 0 ? args.a : args.b) != 0.0f)

UNARY_TEST(f32, float, v)
UNARY_TEST(f64, double, v)
UNARY_TEST(f16, uint16_t, onr_half_to_float(v))
UNARY_TEST(bf16, uint16_t, onr_bfloat16_to_float(v))
UNARY_TEST(e4m3fn, uint8_t, onr_minifloat_to_float(&onr_e4m3fn, v))
UNARY_TEST(e4m3fnuz, uint8_t, onr_minifloat_to_float(&onr_e4m3fnuz, v))
UNARY_TEST(e5m2, uint8_t, onr_minifloat_to_float(&onr_e5m2, v))
UNARY_TEST(e5m2fnuz, uint8_t, onr_minifloat_to_float(&onr_e5m2fnuz, v))

static void fill_tests(struct onr_unary_kernels *unary)
{
#define UNARY_FILL(name, dtype)                                                                    \
    unary->rows[ONR_UNARY_IS_NAN][ONR_##dtype] = is_nan_##name;                                    \
    unary->rows[ONR_UNARY_IS_INF][ONR_##dtype] = is_inf_##name;
    UNARY_FILL(f32, FLOAT)
    UNARY_FILL(f64, DOUBLE)
    UNARY_FILL(f16, FLOAT16)
    UNARY_FILL(bf16, BFLOAT16)
    UNARY_FILL(e4m3fn, FLOAT8E4M3FN)
    UNARY_FILL(e4m3fnuz, FLOAT8E4M3FNUZ)
    UNARY_FILL(e5m2, FLOAT8E5M2)
    UNARY_FILL(e5m2fnuz, FLOAT8E5M2FNUZ)
#undef UNARY_FILL
}

void ONR_KERNEL(onr_fill_unary_int)(struct onr_kernels *kernels)
{
    struct onr_unary_kernels *unary = &kernels->unary;
#define UNARY_FILL(name, dtype)                                                                    \
    unary->rows[ONR_UNARY_ABS][ONR_##dtype] = abs_##name;                                          \
    unary->rows[ONR_UNARY_BITWISE_NOT][ONR_##dtype] = bitwise_not_##name;                          \
    unary->rows[ONR_UNARY_ERF][ONR_##dtype] = erf_##name;                                          \
    unary->rows[ONR_UNARY_SHRINK][ONR_##dtype] = shrink_##name;                                    \
    unary->rows[ONR_UNARY_SIGN][ONR_##dtype] = sign_##name;
#define UNARY_FILL_SIGNED(name, dtype)                                                             \
    UNARY_FILL(name, dtype)                                                                        \
    unary->rows[ONR_UNARY_NEG][ONR_##dtype] = neg_##name;                                          \
    unary->rows[ONR_UNARY_RELU][ONR_##dtype] = relu_##name;
    UNARY_FILL_SIGNED(i8, INT8)
    UNARY_FILL_SIGNED(i16, INT16)
    UNARY_FILL_SIGNED(i32, INT32)
    UNARY_FILL_SIGNED(i64, INT64)
    UNARY_FILL(u8, UINT8)
    UNARY_FILL(u16, UINT16)
    UNARY_FILL(u32, UINT32)
    UNARY_FILL(u64, UINT64)
#undef UNARY_FILL_SIGNED
#undef UNARY_FILL
    unary->rows[ONR_UNARY_NOT][ONR_BOOL] = not_bool;
    fill_tests(unary);
}
