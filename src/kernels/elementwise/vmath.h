/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Float mathematics that the compiler vectorises: no calls, no branches, no tables. To be used in
 * loops of files that are compiled per instruction set; a loop `y[i] = onr_vexp(x[i])` becomes
 * vector code.
 *
 * Every function is right for all arguments, NaN, infinities and denormals included, unless it says
 * otherwise. Errors are the largest found by tests/kernels/test_vmath.c, in units in the last place
 * of the result. Results do not depend on the position in the vector, so not on how work is split
 * over threads; they may differ in the last place between instruction sets, since onr_vfma rounds
 * once only where there is hardware.
 *
 * Coefficients are minimax fits for the interval that stands beside them.
 */
#ifndef ONR_KERNELS_ELEMENTWISE_VMATH_H
#define ONR_KERNELS_ELEMENTWISE_VMATH_H

#include "base/half.h"

#include <math.h>
#include <stdint.h>

/* a * b + c, rounded once where the instruction set can, else twice. */
static inline float onr_vfma(float a, float b, float c)
{
#ifdef __FMA__
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

/* |x| with the sign of s. */
static inline float onr_vcopysign(float x, float s)
{
    return onr_float_from_bits((onr_float_bits(x) & 0x7fffffffu) |
                               (onr_float_bits(s) & 0x80000000u));
}

static inline float onr_vabs(float x)
{
    return onr_float_from_bits(onr_float_bits(x) & 0x7fffffffu);
}

/* 2^n for -126 <= n <= 127. */
static inline float onr_vexp2i(int32_t n)
{
    return onr_float_from_bits((uint32_t)(n + 127) << 23);
}

/* 1.5 * 2^23: adding it rounds a float below 2^22 and leaves the integer in the low bits. */
#define ONR_VROUND 12582912.0f

/* 2^n for the integer that z = n + ONR_VROUND holds, -126 <= n <= 127. */
static inline float onr_vexp2_scale(float z)
{
    return onr_float_from_bits((onr_float_bits(z) << 23) + 0x3f800000u);
}

/* e^r - 1 for the rest r = x - n ln 2 of n = z - ONR_VROUND, |r| <= ln(2) / 2. */
static inline float onr_vexp_rest(float x, float z)
{
    float n = z - ONR_VROUND;
    float r = onr_vfma(n, -6.93145752e-1f, x); /* 15 bits of ln 2: the product is exact */
    r = onr_vfma(n, -1.42860677e-6f, r);
    float p = 1.381454009e-3f;
    p = onr_vfma(p, r, 8.368745108e-3f);
    p = onr_vfma(p, r, 4.166839079e-2f);
    p = onr_vfma(p, r, 1.666652040e-1f);
    p = onr_vfma(p, r, 4.999999343e-1f);
    return onr_vfma(p * r, r, r);
}

/*
 * Writes n = round(x / ln 2) to *exponent and returns e^r - 1 for the rest r = x - n ln 2, |r| <=
 * ln(2) / 2. For |x| < 2^20.
 */
static inline float onr_vexp_reduce(float x, int32_t *exponent)
{
    float z = onr_vfma(x, 1.442695041f, ONR_VROUND);
    *exponent = (int32_t)(onr_float_bits(z) - onr_float_bits(ONR_VROUND));
    return onr_vexp_rest(x, z);
}

/* Largest |x| for onr_vexp_normal. */
#define ONR_VEXP_NORMAL_MAX 87.0f

/* The same as onr_vexp for |x| <= ONR_VEXP_NORMAL_MAX and NaN, at half the cost. */
static inline float onr_vexp_normal(float x)
{
    float z = onr_vfma(x, 1.442695041f, ONR_VROUND);
    float scale = onr_vexp2_scale(z);
    return onr_vfma(onr_vexp_rest(x, z), scale, scale);
}

/* The same, but not for NaN: the exponent is added as an integer, which is cheaper still. */
static inline float onr_vexp_small(float x)
{
    float z = onr_vfma(x, 1.442695041f, ONR_VROUND);
    float y = 1.0f + onr_vexp_rest(x, z);
    return onr_float_from_bits(onr_float_bits(y) + (onr_float_bits(z) << 23));
}

/* 2^f - 1 for |f| <= 1/2. */
static inline float onr_vexp2_rest(float f)
{
    float p = 1.532646274e-4f;
    p = onr_vfma(p, f, 1.339080627e-3f);
    p = onr_vfma(p, f, 9.618505836e-3f);
    p = onr_vfma(p, f, 5.550359935e-2f);
    p = onr_vfma(p, f, 2.402264774e-1f);
    p = onr_vfma(p, f, 6.931471825e-1f);
    return p * f;
}

/* e^x for x <= 0 and NaN; 0 below -87, where the softmax of a float is 0 as well. Error 1 ulp, and
 * |x| 2^-24 of the result: less than a rounding of 1. The cheapest of these: as 2^t, t = x / ln 2. */
static inline float onr_vexp_negative(float x)
{
    float t = x * 1.442695041f;
    float z = t + ONR_VROUND;
    float scale = onr_vexp2_scale(z);
    float y = onr_vfma(onr_vexp2_rest(t - (z - ONR_VROUND)), scale, scale); /* anything below -87 */
    return x < -ONR_VEXP_NORMAL_MAX ? 0.0f : y;
}

/* 2^(q t), -126 <= q t <= 127, or NaN. What is added to the rounded integer is rounded but once. */
static inline float onr_vexp2_product(float q, float t)
{
    float z = onr_vfma(q, t, ONR_VROUND);
    float scale = onr_vexp2_scale(z);
    return onr_vfma(onr_vexp2_rest(onr_vfma(q, t, -(z - ONR_VROUND))), scale, scale);
}

/* e^x; 0 below -103.98, inf above 88.73. Error 1.02 ulp (all floats). */
static inline float onr_vexp(float x)
{
    float clamped = x < -105.0f ? -105.0f : x;
    clamped = clamped > 89.0f ? 89.0f : clamped;
    int32_t n;
    float p = onr_vexp_reduce(clamped, &n);
    int32_t half =
        n >> 1; /* in two steps, so that denormal results are rounded once and 2^128 is inf */
    return onr_vfma(p, onr_vexp2i(half), onr_vexp2i(half)) * onr_vexp2i(n - half);
}

/* e^x - 1 without cancellation near 0. Error 1 ulp. */
static inline float onr_vexpm1(float x)
{
    float clamped = x < -20.0f ? -20.0f : x;
    clamped = clamped > 89.0f ? 89.0f : clamped;
    int32_t n;
    float p = onr_vexp_reduce(clamped, &n);
    int32_t half = n >> 1;
    int32_t rest = n - half;
    float scale = onr_vexp2i(half);
    return onr_vfma(p, scale, scale - onr_vexp2i(-rest)) * onr_vexp2i(rest);
}

/* ln x; -inf at 0, NaN below. Error 0.9 ulp. */
static inline float onr_vlog(float x)
{
    int is_denormal = x < 1.17549435e-38f;
    float scaled = is_denormal ? x * 8388608.0f : x;
    /* x = m * 2^n with m in [sqrt(1/2), sqrt(2)) */
    uint32_t bits = onr_float_bits(scaled) - 0x3f3504f3u;
    float n = (float)((int32_t)bits >> 23) - (is_denormal ? 23.0f : 0.0f);
    float f = onr_float_from_bits((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float p = -7.634499329e-2f; /* ln(1 + f) = f - f^2/2 + f^3 p */
    p = onr_vfma(p, f, 1.276157816e-1f);
    p = onr_vfma(p, f, -1.316018186e-1f);
    p = onr_vfma(p, f, 1.420175781e-1f);
    p = onr_vfma(p, f, -1.662335738e-1f);
    p = onr_vfma(p, f, 2.000122689e-1f);
    p = onr_vfma(p, f, -2.500082103e-1f);
    p = onr_vfma(p, f, 3.333333171e-1f);
    float square = f * f;
    float low = onr_vfma(n, -2.12194440e-4f, p * f * square); /* ln 2 = 0.693359375 - 2.12e-4 */
    low = onr_vfma(square, -0.5f, low);
    float y = onr_vfma(n, 0.693359375f, f + low);
    y = x > 3.40282347e+38f ? x : y;
    y = x == 0.0f ? -INFINITY : y;
    return x >= 0.0f ? y : NAN;
}

/* ln(1 + x) without cancellation near 0; for x >= 0. Error 1.3 ulp. */
static inline float onr_vlog1p(float x)
{
    float u = 1.0f + x;
    float lost = (x - (u - 1.0f)) / u;
    return u > 3.40282347e+38f ? u : onr_vlog(u) + lost;
}

/* erfc(t) for t >= 0.92 (fitted to 4; beyond, it goes to 0 as smoothly, with an absolute error
 * below 1e-9, and is 0 from 8.75 on). */
static inline float onr_verfc_large(float t)
{
    float u = t > 8.75f ? 8.75f : t;
    float p = 1.716138450e-5f;
    p = onr_vfma(p, u, -3.820255526e-4f);
    p = onr_vfma(p, u, 3.883183304e-3f);
    p = onr_vfma(p, u, -2.427569417e-2f);
    p = onr_vfma(p, u, 1.068529214e-1f);
    p = onr_vfma(p, u, 6.347425039e-1f);
    p = onr_vfma(p, u, 1.287828490e-1f);
    p = onr_vfma(p, u, -1.539648960e-5f);
    float y = onr_vexp_normal(-(u + p));
    return t > 8.75f ? 0.0f : y;
}

/* erf(x) for |x| <= 0.92. */
static inline float onr_verf_small(float x)
{
    float s = x * x;
    float p = -5.999403927e-4f;
    p = onr_vfma(p, s, 4.994829831e-3f);
    p = onr_vfma(p, s, -2.676771948e-2f);
    p = onr_vfma(p, s, 1.128184593e-1f);
    p = onr_vfma(p, s, -3.761249646e-1f);
    p = onr_vfma(p, s, 1.283791500e-1f);
    return onr_vfma(p, x, x);
}

/* The error function. Error 1.4 ulp, 8e-8 absolute. */
static inline float onr_verf(float x)
{
    float t = onr_vabs(x);
    float large = onr_vcopysign(1.0f - onr_verfc_large(t), x);
    return t > 0.92f ? large : onr_verf_small(x);
}

/* Hyperbolic tangent: m / (m + 2) with m = e^2|x| - 1; it is 1 from 9.02 on. Error 2.5 ulp. */
static inline float onr_vtanh(float x)
{
    float t = onr_vabs(x);
    float u = t > 10.0f ? 20.0f : t + t;
    float z = onr_vfma(u, 1.442695041f, ONR_VROUND);
    float scale = onr_vexp2_scale(z);
    float m = onr_vfma(onr_vexp_rest(u, z), scale, scale - 1.0f);
    return onr_vcopysign(m / (m + 2.0f), x);
}

/* 1 / (1 + e^-x), accurate also where it is tiny. Error 2.5 ulp. */
static inline float onr_vsigmoid(float x)
{
    float e = onr_vexp(-onr_vabs(x));
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* The same for |x| <= ONR_VEXP_NORMAL_MAX. */
static inline float onr_vsigmoid_small(float x)
{
    float e = onr_vexp_small(-onr_vabs(x));
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* x * sigmoid(x): SiLU, also called swish. */
static inline float onr_vsilu(float x)
{
    return x * onr_vsigmoid(x);
}

/* x for x > 0, else 0; NaN for NaN. */
static inline float onr_vrelu(float x)
{
    return x < 0.0f ? 0.0f : x;
}

/*
 * x * P(Z <= x) for Z standard normal: x/2 (1 + erf(x / sqrt 2)). Error 1e-7 relative to |x|, and
 * 1e-5 relative to the result down to -5; below 1e-16 from -9 on.
 *
 * It is max(x, 0) - t P(Z > t), t = |x|, and the logarithm of that tail is smooth from 0 on: one
 * polynomial takes the place of one for each side of 1 and of a choice between them.
 */
static inline float onr_vgelu(float x)
{
    float t = onr_vabs(x);
    t = t > 9.0f ? 9.0f : t;
    float q = 2.302169872e-7f; /* log2(2 P(Z > t)) / t, fitted up to 5 */
    q = onr_vfma(q, t, -5.270286561e-6f);
    q = onr_vfma(q, t, 4.863051831e-5f);
    q = onr_vfma(q, t, -2.001077940e-4f);
    q = onr_vfma(q, t, -1.357896228e-4f);
    q = onr_vfma(q, t, 7.082806716e-3f);
    q = onr_vfma(q, t, -5.251658013e-2f);
    q = onr_vfma(q, t, -4.592006124e-1f);
    q = onr_vfma(q, t, -1.151106119f);
    return onr_vfma(-0.5f * t, onr_vexp2_product(q, t), onr_vrelu(x));
}

/* x/2 (1 + tanh u) = x sigmoid(2u) with u = sqrt(2 / pi) (x + 0.044715 x^3): the same with
 * sigmoid(-2|u|) as the tail. */
static inline float onr_vgelu_tanh(float x)
{
    float t = onr_vabs(x);
    t = t > 9.5f ? 9.5f : t;
    float e = onr_vexp2_product(onr_vfma(t * t, -1.02943248e-1f, -2.30220818f), t);
    return onr_vfma(-t, e / (1.0f + e), onr_vrelu(x));
}

/* ln(1 + e^x). Error 2 ulp. */
static inline float onr_vsoftplus(float x)
{
    return (x < 0.0f ? 0.0f : x) + onr_vlog1p(onr_vexp(-onr_vabs(x)));
}

/* Largest |x| for onr_vsin and onr_vcos; beyond, and for infinities, use the C library. */
#define ONR_VSIN_MAX 4.0e8f

/*
 * sin(x + quarter * pi/2). The reduction is done in double, where pi/2 in 25 + 53 bits leaves no
 * error that a float could show.
 */
static inline float onr_vsin_quarter(float x, uint64_t quarter)
{
    const double shift = 6755399441055744.0; /* 1.5 * 2^52: rounds, and leaves n in the low bits */
    union {
        double f;
        uint64_t u;
    } pun = {.f = (double)x * 6.36619772367581382e-1 + shift};
    double n = pun.f - shift;
    double r = ((double)x - n * 1.57079631090164184570) - n * 1.58932547735281966916e-8;
    double s = r * r;
    double sine = -1.95169775532181363e-4;
    sine = sine * s + 8.33217584693453014e-3;
    sine = sine * s - 1.66666549086415483e-1;
    sine = r + r * s * sine;
    double cosine = 2.44380910264767230e-5;
    cosine = cosine * s - 1.38873644860057922e-3;
    cosine = cosine * s + 4.16666468071987608e-2;
    cosine = (1.0 - 0.5 * s) + s * s * cosine;
    uint64_t q = pun.u + quarter;
    double y = (q & 1) != 0 ? cosine : sine;
    return (float)((q & 2) != 0 ? -y : y);
}

/* sin x and cos x for |x| <= ONR_VSIN_MAX; NaN for NaN. Error 0.6 ulp. */
static inline float onr_vsin(float x)
{
    return onr_vsin_quarter(x, 0);
}

static inline float onr_vcos(float x)
{
    return onr_vsin_quarter(x, 1);
}

#endif
