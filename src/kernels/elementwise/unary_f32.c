/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementwise functions of one argument for float, float16 and bfloat16, in portable C. Most loops
 * vectorise (vmath.h); the inverse and hyperbolic functions and tan call the C library for each
 * element.
 */
#include "base/half.h"
#include "kernels/convert/half_loops.h"
#include "kernels/elementwise/unary.h"
#include "kernels/elementwise/vmath.h"
#include "kernels/kernels.h"

#if defined(__AVX512F__)
#    include "kernels/elementwise/gelu_table.h"
#endif

void ONR_KERNEL(onr_fill_unary_f32)(struct onr_kernels *kernels);

/* Elements that are converted or looked at together; they fit the first level cache. */
#define BLOCK 512
#define LANES 64

/* A loop of `expression`, in terms of v and args. */
#define UNARY_F32(function, expression)                                                            \
    static void function##_f32(size_t count, const void *xs, void *ys, struct onr_unary_args args) \
    {                                                                                              \
        const float *x = xs;                                                                       \
        float *y = ys;                                                                             \
        (void)args;                                                                                \
        ONR_IVDEP                                                                                  \
        for (size_t i = 0; i < count; i++) {                                                       \
            const float v = x[i];                                                                  \
            y[i] = (expression);                                                                   \
        }                                                                                          \
    }

static inline float clamp01(float v)
{
    float low = v < 0.0f ? 0.0f : v;
    return low > 1.0f ? 1.0f : low;
}

/* With e = e^v, tanh(ln(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2); from 20 on it is 1. */
static inline float mish(float v)
{
    float e = onr_vexp(v > 20.0f ? 20.0f : v);
    float n = e * (e + 2.0f);
    return v * (n / (n + 2.0f));
}

UNARY_F32(abs, onr_vabs(v))
UNARY_F32(acos, acosf(v))
UNARY_F32(acosh, acoshf(v))
UNARY_F32(asin, asinf(v))
UNARY_F32(asinh, asinhf(v))
UNARY_F32(atan, atanf(v))
UNARY_F32(atanh, atanhf(v))
UNARY_F32(ceil, ceilf(v))
UNARY_F32(celu, v > 0.0f ? v : args.a * onr_vexpm1(v / args.a))
UNARY_F32(cosh, coshf(v))
UNARY_F32(elu, v < 0.0f ? args.a * onr_vexpm1(v) : v)
UNARY_F32(erf, onr_verf(v))
UNARY_F32(floor, floorf(v))
UNARY_F32(hard_sigmoid, clamp01(args.b + args.a * v))
UNARY_F32(hard_swish, clamp01(onr_vfma(v, 1.0f / 6.0f, 0.5f)) * v)
UNARY_F32(leaky_relu, v < 0.0f ? args.a * v : v)
UNARY_F32(log, onr_vlog(v))
UNARY_F32(mish, mish(v))
UNARY_F32(neg, -v)
UNARY_F32(reciprocal, 1.0f / v)
UNARY_F32(relu, v < 0.0f ? 0.0f : v)
UNARY_F32(round, rintf(v))
UNARY_F32(selu, (v > 0.0f ? v : onr_vexpm1(v) * args.a) * args.b)
UNARY_F32(shrink, v < -args.b ? v + args.a : (v > args.b ? v - args.a : 0.0f))
UNARY_F32(sign, v > 0.0f ? 1.0f : (v < 0.0f ? -1.0f : v))
UNARY_F32(sinh, sinhf(v))
UNARY_F32(softplus, onr_vsoftplus(v))
UNARY_F32(softsign, v / (1.0f + onr_vabs(v)))
UNARY_F32(sqrt, sqrtf(v))
UNARY_F32(tan, tanf(v))
UNARY_F32(tanh, onr_vtanh(v))
UNARY_F32(thresholded_relu, v > args.a ? v : 0.0f)

#if !defined(__AVX512F__)
UNARY_F32(gelu, onr_vgelu(v))
UNARY_F32(gelu_tanh, onr_vgelu_tanh(v))
#endif

/* True when the magnitude of all arguments is at most limit; NaN and infinities are not. Bits of
 * magnitudes order as they do, and a maximum of integers in lanes is the cheapest test. */
static int all_small(size_t count, const float *x, float limit)
{
    uint32_t lane[LANES] = {0};
    uint32_t most = 0;
    size_t i = 0;
    for (; count - i >= LANES; i += LANES) {
        ONR_UNROLL_LANES
        for (size_t l = 0; l < LANES; l++) {
            uint32_t bits = onr_float_bits(x[i + l]) & 0x7fffffffu;
            lane[l] = bits > lane[l] ? bits : lane[l];
        }
    }
    for (; i < count; i++) {
        uint32_t bits = onr_float_bits(x[i]) & 0x7fffffffu;
        most = bits > most ? bits : most;
    }
    for (size_t l = 0; l < LANES; l++) {
        most = lane[l] > most ? lane[l] : most;
    }
    return most <= onr_float_bits(limit);
}

/* A function with a fast formula for arguments up to limit: vector code where the whole block
 * allows, and the same formula where only an element does. */
#define UNARY_F32_BLOCKS(function, limit, small, other)                                            \
    UNARY_F32(function##_small, small)                                                             \
    UNARY_F32(function##_other, other)                                                             \
    static void function##_f32(size_t count, const void *xs, void *ys, struct onr_unary_args args) \
    {                                                                                              \
        const float *x = xs;                                                                       \
        float *y = ys;                                                                             \
        for (size_t begin = 0; begin < count; begin += BLOCK) {                                    \
            size_t n = count - begin < BLOCK ? count - begin : BLOCK;                              \
            if (all_small(n, x + begin, limit)) {                                                  \
                function##_small_f32(n, x + begin, y + begin, args);                               \
            } else {                                                                               \
                function##_other_f32(n, x + begin, y + begin, args);                               \
            }                                                                                      \
        }                                                                                          \
    }

static inline float swish(float v, float a)
{
    return v * onr_vsigmoid(a * v);
}

static inline float swish_small(float v, float a)
{
    return v * onr_vsigmoid_small(a * v);
}

/* Largest |v| for which |factor * v| is at most ONR_VEXP_NORMAL_MAX; 0 also for factors next to 0. */
static float swish_limit(float factor)
{
    float size = onr_vabs(factor);
    return size > 1e-30f ? ONR_VEXP_NORMAL_MAX / size : 0.0f;
}

UNARY_F32_BLOCKS(exp, ONR_VEXP_NORMAL_MAX, onr_vexp_small(v), onr_vexp(v))
UNARY_F32_BLOCKS(sigmoid, ONR_VEXP_NORMAL_MAX, onr_vsigmoid_small(v), onr_vsigmoid(v))
UNARY_F32_BLOCKS(swish, swish_limit(args.a), swish_small(v, args.a), swish(v, args.a))
UNARY_F32_BLOCKS(sin, ONR_VSIN_MAX, onr_vsin(v),
                 onr_vabs(v) <= ONR_VSIN_MAX ? onr_vsin(v) : (float)sin((double)v))
UNARY_F32_BLOCKS(cos, ONR_VSIN_MAX, onr_vcos(v),
                 onr_vabs(v) <= ONR_VSIN_MAX ? onr_vcos(v) : (float)cos((double)v))

/* a * b + c, rounded once: in double the product is exact, and what its sum loses next to never
 * matters. */
static inline float fused(float a, float b, float c)
{
#ifdef __FMA__
    return __builtin_fmaf(a, b, c);
#else
    return (float)((double)a * (double)b + (double)c);
#endif
}

static inline float fraction_of(float x, const struct onr_fraction *f)
{
    float low = x < -f->limit ? -f->limit : x;
    float v = low > f->limit ? f->limit : low;
    float square = v * v;
    float p = f->p[0];
    float q = f->q[0];
    for (size_t i = 1; i < sizeof f->p / sizeof f->p[0]; i++) {
        p = fused(p, square, f->p[i]);
    }
    for (size_t i = 1; i < sizeof f->q / sizeof f->q[0]; i++) {
        q = fused(q, square, f->q[i]);
    }
    float y = p * v / q + f->shift;
    return y < f->least ? f->least : y;
}

static void fraction(size_t count, const float *x, float *y, const struct onr_fraction *f)
{
    const struct onr_fraction copy = *f; /* that y cannot alias */
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        y[i] = fraction_of(x[i], &copy);
    }
}

/* Runs the float function on count elements of a type of 16 bits. */
static void run_half(size_t count, const uint16_t *x, uint16_t *y, struct onr_unary_args args,
                     onr_unary_fn function, const struct onr_half_loops *half)
{
    float block[BLOCK];
    for (size_t begin = 0; begin < count; begin += BLOCK) {
        size_t n = count - begin < BLOCK ? count - begin : BLOCK;
        half->load(n, x + begin, block);
        function(n, block, block, args);
        half->store(n, block, y + begin);
    }
}

#define UNARY_HALF_ROW(function, type)                                                             \
    static void function##_##type(size_t count, const void *x, void *y,                            \
                                  struct onr_unary_args args)                                      \
    {                                                                                              \
        run_half(count, x, y, args, function##_f32, &ONR_KERNEL(onr_##type##_loops));              \
    }
#define UNARY_HALF_ROWS(name, function) UNARY_HALF_ROW(function, f16) UNARY_HALF_ROW(function, bf16)

ONR_UNARY_FLOAT_LIST(UNARY_HALF_ROWS)

void ONR_KERNEL(onr_fill_unary_f32)(struct onr_kernels *kernels)
{
#define UNARY_FILL(name, function)                                                                 \
    kernels->unary.rows[ONR_UNARY_##name][ONR_FLOAT] = function##_f32;                             \
    kernels->unary.rows[ONR_UNARY_##name][ONR_FLOAT16] = function##_f16;                           \
    kernels->unary.rows[ONR_UNARY_##name][ONR_BFLOAT16] = function##_bf16;
    ONR_UNARY_FLOAT_LIST(UNARY_FILL)
    kernels->unary.fraction = fraction;
#undef UNARY_FILL
}
