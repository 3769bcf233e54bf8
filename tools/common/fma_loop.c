/* SPDX-License-Identifier: Apache-2.0 */
/* 12 chains of multiply-adds keep two units of latency 4 (8 chains) busy, and fit 16 registers. */
#include "common/fma_loop.h"

#include <immintrin.h>
#include <string.h>

__attribute__((target("avx512f"))) static float loop_avx512(unsigned steps)
{
    __m512 sum[12];
    for (int i = 0; i < 12; i++) {
        sum[i] = _mm512_set1_ps((float)i);
    }
    __m512 x = _mm512_set1_ps(0.5f);
    for (unsigned step = 0; step < steps; step++) {
#pragma GCC unroll 12
        for (int i = 0; i < 12; i++) {
            sum[i] = _mm512_fmadd_ps(sum[i], x, x);
        }
    }
    for (int i = 1; i < 12; i++) {
        sum[0] = _mm512_add_ps(sum[0], sum[i]);
    }
    return _mm512_reduce_add_ps(sum[0]);
}

__attribute__((target("avx2,fma"))) static float loop_avx2(unsigned steps)
{
    __m256 sum[12];
    for (int i = 0; i < 12; i++) {
        sum[i] = _mm256_set1_ps((float)i);
    }
    __m256 x = _mm256_set1_ps(0.5f);
    for (unsigned step = 0; step < steps * 2; step++) {
#pragma GCC unroll 12
        for (int i = 0; i < 12; i++) {
            sum[i] = _mm256_fmadd_ps(sum[i], x, x);
        }
    }
    for (int i = 1; i < 12; i++) {
        sum[0] = _mm256_add_ps(sum[0], sum[i]);
    }
    return _mm256_cvtss_f32(sum[0]);
}

/* Multiplies and adds one after the other, four floats at a time. */
static float loop_sse(unsigned steps)
{
    __m128 sum[12];
    for (int i = 0; i < 12; i++) {
        sum[i] = _mm_set1_ps((float)i);
    }
    __m128 x = _mm_set1_ps(0.5f);
    for (unsigned step = 0; step < steps * 4; step++) {
#pragma GCC unroll 12
        for (int i = 0; i < 12; i++) {
            sum[i] = _mm_add_ps(_mm_mul_ps(sum[i], x), x);
        }
    }
    for (int i = 1; i < 12; i++) {
        sum[0] = _mm_add_ps(sum[0], sum[i]);
    }
    return _mm_cvtss_f32(sum[0]);
}

void fma_loop(const char *isa, unsigned steps)
{
    volatile float sink = strcmp(isa, "avx512") == 0 ? loop_avx512(steps)
                          : strcmp(isa, "avx2") == 0 ? loop_avx2(steps)
                                                     : loop_sse(steps);
    (void)sink;
}
